#pragma once

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

namespace pb = penstock::internal::v1;

// The channel on which a run's id is notified when the run may move or has moved.
inline constexpr const char* kRunsChannel = "penstock_runs";
absl::Status NotifyRun(PgTransaction& tx, const Uuid& run);

// Runs with the facts by which they move, in the order of their ids; unknown ids are left out.
absl::StatusOr<std::vector<pb::RunFacts>> LoadFacts(PgTransaction& tx,
                                                    const std::vector<Uuid>& runs);
// The same for one; RESOURCE_NOT_FOUND.
absl::StatusOr<pb::RunFacts> LoadFacts(PgTransaction& tx, const Uuid& run);

// The runs of these Syncs that have ended after the given time, and a few that ended just before:
// a transaction that began earlier may have been seen later.
absl::StatusOr<std::vector<Uuid>> RunsEndedAfter(PgTransaction& tx, const pb::FollowedRuns& follow);

// Every run that is not terminal.
absl::StatusOr<std::vector<Uuid>> ActiveRuns(PgTransaction& tx);

}  // namespace penstock::state
