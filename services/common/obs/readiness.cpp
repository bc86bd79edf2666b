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

bool Readiness::draining() const {
  const std::lock_guard lock(mutex_);
  return draining_;
}

std::vector<std::pair<std::string, absl::Status>> Readiness::Results() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, absl::Status>> results;
  // The parts that the checks ask may be gone already.
  if (draining_) return results;
  for (const auto& [name, check] : checks_) results.emplace_back(name, check());
  return results;
}

std::vector<std::string> Readiness::Reasons() const {
  if (draining()) return {"draining: the process is about to end"};
  std::vector<std::string> reasons;
  for (const auto& [name, status] : Results()) {
    if (status.ok()) continue;
    std::string line = fmt::format("{}: {}", name, Std(status.message()));
    std::replace(line.begin(), line.end(), '\n', ' ');
    reasons.push_back(std::move(line));
  }
  return reasons;
}

}  // namespace penstock
