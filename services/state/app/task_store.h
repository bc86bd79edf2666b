#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "penstock/internal/v1/extraction.pb.h"
#include "services/state/app/rejected_store.h"

namespace penstock {
class PgTransaction;
}

namespace penstock::state {

namespace pb = penstock::internal::v1;

// Leases the next task: of the Sync with the fewest leased tasks, the oldest. Absent: nothing
// waits.
absl::StatusOr<std::optional<pb::Task>> LeaseTask(PgTransaction& tx, uint64_t worker,
                                                  uint32_t lease_ms);

// Renews a lease and stores counters and announcement. LEASE_LOST when the task has another owner
// by now; true: the run wants nothing more of it. IDENTITY_CHANGED when the snapshot was made with
// another identity.
absl::StatusOr<bool> Heartbeat(PgTransaction& tx, const pb::HeartbeatRequest& request);

// Stores a piece of a read's bitmap; pieces count from 0.
absl::Status StoreSeen(PgTransaction& tx, const pb::ReadSummary& summary, int number,
                       const std::string& data);
// The piece of that number; empty past the end.
absl::StatusOr<std::string> LoadSeen(PgTransaction& tx, const std::string& run_id, uint32_t read,
                                     int number);

absl::Status StoreInvalid(PgTransaction& tx, const pb::ReadSummary& summary,
                          const RecordProblems& problems);
absl::Status StoreSample(PgTransaction& tx, const pb::ReadSummary& summary,
                         const pb::PlanSample& sample);
// Ends the pass: counters are final, the run goes on to DELIVERING.
absl::Status EndRead(PgTransaction& tx, const pb::ReadSummary& summary);

absl::Status CompleteTask(PgTransaction& tx, const pb::CompleteTaskRequest& request);
// Settles records that were never sent as unchanged at the destination. A repeat of a number
// changes nothing. LEASE_LOST.
absl::Status AdoptRecords(PgTransaction& tx, const pb::AdoptRecordsRequest& request);

absl::Status FailTask(PgTransaction& tx, const pb::FailTaskRequest& request);

}  // namespace penstock::state
