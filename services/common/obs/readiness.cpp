#include "services/common/obs/readiness.h"

#include <algorithm>

#include "fmt/format.h"
#include "services/common/core/status.h"

namespace penstock {

void Readiness::Add(std::string name, Check check) {
  std::lock_guard lock(mutex_);
  checks_.emplace_back(std::move(name), std::move(check));
}

void Readiness::Drain() {
  std::lock_guard lock(mutex_);
  draining_ = true;
}

std::vector<std::string> Readiness::Reasons() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> reasons;
  // The parts that the checks ask may be gone already.
  if (draining_) return {"draining: the process is about to end"};
  for (const auto& [name, check] : checks_) {
    absl::Status status = check();
    if (status.ok()) continue;
    std::string line = fmt::format("{}: {}", name, Std(status.message()));
    std::replace(line.begin(), line.end(), '\n', ' ');
    reasons.push_back(std::move(line));
  }
  return reasons;
}

}  // namespace penstock
