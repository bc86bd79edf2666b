#include "services/common/core/clock.h"

#include <ctime>

namespace penstock {
namespace {

class SystemClock final : public Clock {
 public:
  BootTime Boot() const override { return BootClock::now(); }
  WallTime Wall() const override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(
        std::chrono::system_clock::now());
  }
};

}  // namespace

BootClock::time_point BootClock::now() {
  timespec ts{};
  clock_gettime(CLOCK_BOOTTIME, &ts);
  return time_point(std::chrono::seconds(ts.tv_sec) + std::chrono::nanoseconds(ts.tv_nsec));
}

const Clock& Clock::System() {
  static const SystemClock clock;
  return clock;
}

}  // namespace penstock
