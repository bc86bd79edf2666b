#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace penstock {

// What /readyz answers from: named checks that the parts of a service add, and whether it drains.
// Thread-safe.
class Readiness {
 public:
  using Check = std::function<absl::Status()>;

  // `check` is called for each question and must not block: answer from the last known state.
  void Add(std::string name, Check check);
  // From now on not ready: the process takes no new work and is about to end.
  void Drain();
  bool draining() const;

  // Every check by its name, and what it says now. None while draining.
  std::vector<std::pair<std::string, absl::Status>> Results() const;
  // One line a reason, empty when ready: "redis: Redis can't carry work: …".
  std::vector<std::string> Reasons() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<std::string, Check>> checks_;
  bool draining_ = false;
};

}  // namespace penstock
