#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "penstock/internal/v1/planning.pb.h"
#include "services/common/core/uuid.h"

namespace penstock {
class PgTransaction;
}

namespace penstock::state {

// Takes over the schedule of a Sync whose row is there, and those of the Syncs that it comes after.
// A changed one is due at its next time, an unchanged one when it was; neither starts anything.
absl::Status StoreSchedule(PgTransaction& tx, const penstock::v1::Sync& sync);

// What hangs on a Sync's name in the schedules of others.
absl::Status RenameParent(PgTransaction& tx, const std::string& from, const std::string& to);

// Creates the runs that are due, at most `limit` by time and as many after others, and moves on
// what they are due by. However many times were missed, one run catches up. Safe with many callers.
absl::StatusOr<std::vector<Uuid>> ClaimDue(PgTransaction& tx, int limit);

// Milliseconds until the next due time; nullopt: nothing is scheduled.
absl::StatusOr<std::optional<int64_t>> MillisecondsToNextDue(PgTransaction& tx);

// Says of each Sync among the resources when it is due.
absl::Status AddDueTimes(PgTransaction& tx,
                         google::protobuf::RepeatedPtrField<penstock::v1::Resource>& resources);

}  // namespace penstock::state
