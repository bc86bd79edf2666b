#include "services/common/model/schedule.h"

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

}  // namespace penstock
