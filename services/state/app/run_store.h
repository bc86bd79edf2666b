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

namespace pb = penstock::internal::v1;

struct CreatedRun {
  Uuid run;
  bool coalesced = false;
};

// Creates a run and, where none of its Sync is active, its first read. A repeat of a request id
// gives the same run (REQUEST_ID_REUSED for other content); while a run is active, at most one
// waits and later triggers get that one.
absl::StatusOr<CreatedRun> CreateRun(PgTransaction& tx, const pb::CreateRunRequest& request);

// Creates the runs that are due, at most `limit`, and moves their next due times on. A due time
// that meets an active run is a SKIPPED run with its reason.
absl::StatusOr<std::vector<Uuid>> ClaimDue(PgTransaction& tx, int limit);
// Milliseconds until the next due time; nullopt: nothing is scheduled.
absl::StatusOr<std::optional<int64_t>> NextDue(PgTransaction& tx);

// Moves a run and writes what follows from its new state, in one transaction.
absl::Status Transition(PgTransaction& tx, const pb::TransitionRequest& request);

// The id in `text`, or of the active or else newest run of the Sync of that name.
// RESOURCE_NOT_FOUND.
absl::StatusOr<Uuid> ResolveRun(PgTransaction& tx, const std::string& text);

// Parks the active runs of an account (and destination, if named). Returns how many.
absl::StatusOr<int> ParkAccount(PgTransaction& tx, const pb::ParkAccountRequest& request);

}  // namespace penstock::state
