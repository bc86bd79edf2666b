#pragma once

#include <functional>
#include <thread>

namespace penstock::cli {

// While it lives, Ctrl-C calls `action` on another thread in place of ending the process; once, so
// that a second Ctrl-C ends it. At most one at a time.
class OnInterrupt {
 public:
  explicit OnInterrupt(std::function<void()> action);
  ~OnInterrupt();
  OnInterrupt(const OnInterrupt&) = delete;
  OnInterrupt& operator=(const OnInterrupt&) = delete;

 private:
  int pipe_[2] = {-1, -1};
  std::jthread waiter_;
};

}  // namespace penstock::cli
