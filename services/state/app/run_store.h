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

// What a schedule starts.
struct DueRun {
  std::string sync;
  std::string trigger;  // "schedule" or "after"
  std::optional<int64_t> scheduled_us;
  bool queues = false;  // waits for an active run to end
  absl::Status fault;   // why it can't start
};

// Creates the run of a due time: one that has started, or waits, or is SKIPPED with its reason.
absl::StatusOr<Uuid> CreateDueRun(PgTransaction& tx, const DueRun& due);
// A run that delivers is active or waits.
absl::StatusOr<bool> HasUnfinishedRun(PgTransaction& tx, const std::string& sync);

// Moves a run and writes what follows from its new state, in one transaction.
absl::Status Transition(PgTransaction& tx, const pb::TransitionRequest& request);

// Adds what people should know to a run.
absl::Status AddNotice(PgTransaction& tx, const Uuid& run, const penstock::v1::RunError& notice);

// Tells planners that the run of the Sync that waits, if one does, may begin.
absl::Status NotifyQueued(PgTransaction& tx, const std::string& sync);

// Cancels every run of a Sync; those that are storing what they learned end by themselves.
absl::Status StopRuns(PgTransaction& tx, const std::string& sync);

// Cancels every other run of the Sync and creates the one that removes all that it has sent. When
// it has succeeded, the Sync is deleted.
absl::StatusOr<Uuid> CreateRemovalRun(PgTransaction& tx, const std::string& sync);

// The id in `text`, or of the active or else newest run of the Sync of that name.
// RESOURCE_NOT_FOUND.
absl::StatusOr<Uuid> ResolveRun(PgTransaction& tx, const std::string& text);

// Parks the active runs of an account (and destination, if named). Returns how many.
absl::StatusOr<int> ParkAccount(PgTransaction& tx, const pb::ParkAccountRequest& request);

}  // namespace penstock::state
