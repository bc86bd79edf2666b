#pragma once

#include <bitset>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "services/common/core/clock.h"

namespace penstock {

// A cron expression under the rules of Vixie's cron, crontab(5): minute, hour, day of month, month
// and day of week, or a name for all five ("@daily"). Of both fields of days one is enough where
// neither begins with *; else both must fit. What happens when clocks change is told in
// docs/schedules.md.
class Cron {
 public:
  // INVALID_REQUEST names the field, what it takes and the remedy; also for an expression that no
  // day ever fits.
  static absl::StatusOr<Cron> Parse(std::string_view text);

  // The first due time after `after` on the clocks of `zone`. Hours that are given (the field does
  // not begin with *): a time that clocks skip is due at the end of the gap, one that they show
  // twice only the first time. Else every time that clocks show is due, as often as they show it.
  WallTime NextDue(WallTime after, const absl::TimeZone& zone) const;

 private:
  bool HasDay(absl::CivilDay day) const;
  bool EverComes() const;
  absl::CivilMinute FirstFrom(absl::CivilMinute at) const;
  absl::Time NextOfGivenHours(absl::Time from, const absl::TimeZone& zone) const;
  absl::Time NextOfAnyHour(absl::Time from, const absl::TimeZone& zone) const;

  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;     // from 1
  std::bitset<13> months_;   // from 1
  std::bitset<8> weekdays_;  // from Sunday, which is 0 and 7
  // The field begins with *.
  bool any_hour_ = false;
  bool any_day_ = false;
  bool any_weekday_ = false;
};

}  // namespace penstock
