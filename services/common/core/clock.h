#pragma once

#include <chrono>

namespace penstock {

// CLOCK_BOOTTIME: monotonic, and goes on while the machine is suspended, so a grant or lease that
// ran out during a suspension is seen as over. Readings are comparable only on one machine.
struct BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
  static time_point now();
};

using BootTime = BootClock::time_point;
using WallTime = std::chrono::sys_time<std::chrono::microseconds>;
using Duration = std::chrono::nanoseconds;

// The seam through which pure code sees time. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // For intervals, leases and grants.
  virtual BootTime Boot() const = 0;
  // For people and schedules only: no lease, grant or order of events depends on it.
  virtual WallTime Wall() const = 0;

  static const Clock& System();
};

}  // namespace penstock
