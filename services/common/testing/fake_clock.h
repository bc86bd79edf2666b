#pragma once

#include <atomic>

#include "services/common/core/clock.h"

namespace penstock::testing {

// A clock that moves only when told. Thread-safe.
class FakeClock final : public Clock {
 public:
  // Starts at a boot time of one hour and a wall clock of 2026-01-01T00:00:00Z.
  FakeClock() = default;
  BootTime Boot() const override { return BootTime(Duration(boot_.load())); }
  WallTime Wall() const override { return WallTime(std::chrono::microseconds(wall_.load())); }

  // Both clocks go on.
  void Advance(Duration by) {
    boot_ += by.count();
    wall_ += std::chrono::duration_cast<std::chrono::microseconds>(by).count();
  }
  // Someone sets the wall clock; time itself goes on as before.
  void SetWall(WallTime to) { wall_ = to.time_since_epoch().count(); }

 private:
  std::atomic<int64_t> boot_ = std::chrono::nanoseconds(std::chrono::hours(1)).count();
  std::atomic<int64_t> wall_ = 1767225600'000000;
};

}  // namespace penstock::testing
