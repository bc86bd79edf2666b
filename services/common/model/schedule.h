#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "services/common/core/clock.h"
#include "services/common/model/resources.h"

namespace penstock {

// The first due time after `after`; nullopt for a schedule that has none of its own (by hand, after
// others). INVALID_REQUEST when its cron or its time zone is none.
absl::StatusOr<std::optional<WallTime>> NextDue(const Schedule& schedule, WallTime after);

// The longest time between two of the schedule's next 64 due times; 0 for one that has none.
// INVALID_REQUEST like NextDue.
absl::StatusOr<Duration> LongestInterval(const Schedule& schedule, WallTime from);

}  // namespace penstock
