#pragma once

#include <mutex>
#include <utility>

namespace penstock {

// Decides whether a stream reads on after a message, so that a consumer can hold it back. gRPC has
// at most one read in progress. Thread-safe.
class ReadGate {
 public:
  // No read after the message that is being handled.
  void Pause() {
    std::lock_guard lock(mutex_);
    wanted_ = false;
  }
  // True: the caller must start a read now.
  [[nodiscard]] bool Resume() {
    std::lock_guard lock(mutex_);
    wanted_ = true;
    return std::exchange(paused_, false);
  }
  // After a message was handled. True: the caller must start a read now.
  [[nodiscard]] bool Handled() {
    std::lock_guard lock(mutex_);
    paused_ = !wanted_;
    return wanted_;
  }

 private:
  std::mutex mutex_;
  bool wanted_ = true;
  bool paused_ = false;
};

}  // namespace penstock
