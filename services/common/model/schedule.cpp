#include "services/common/model/schedule.h"

#include <algorithm>

#include "services/common/core/status.h"
#include "services/common/core/time_zone.h"
#include "services/common/model/cron.h"

namespace penstock {
namespace {

struct DueAfter {
  WallTime after;

  using Result = absl::StatusOr<std::optional<WallTime>>;
  Result operator()(std::monostate) const { return std::nullopt; }
  Result operator()(const AfterSchedule&) const { return std::nullopt; }
  Result operator()(const CronSchedule& s) const {
    PENSTOCK_ASSIGN_OR_RETURN(const Cron cron, Cron::Parse(s.cron));
    PENSTOCK_ASSIGN_OR_RETURN(const absl::TimeZone zone, FindTimeZone(s.timezone));
    return cron.NextDue(after, zone);
  }
  Result operator()(const EverySchedule& s) const {
    const milliseconds now = std::chrono::floor<milliseconds>(after.time_since_epoch());
    return WallTime((now / s.every + 1) * s.every);
  }
};

}  // namespace

absl::StatusOr<std::optional<WallTime>> NextDue(const Schedule& schedule, WallTime after) {
  return std::visit(DueAfter{after}, schedule);
}

absl::StatusOr<Duration> LongestInterval(const Schedule& schedule, WallTime from) {
  constexpr int kDueTimes = 64;  // of a schedule every few hours, more than a week of them
  if (const auto* every = std::get_if<EverySchedule>(&schedule)) return every->every;
  PENSTOCK_ASSIGN_OR_RETURN(std::optional<WallTime> due, NextDue(schedule, from));
  Duration longest{0};
  for (int i = 0; due.has_value() && i < kDueTimes; ++i) {
    PENSTOCK_ASSIGN_OR_RETURN(const std::optional<WallTime> next, NextDue(schedule, *due));
    if (next.has_value()) longest = std::max<Duration>(longest, *next - *due);
    due = next;
  }
  return longest;
}

}  // namespace penstock
