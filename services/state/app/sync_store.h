#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "penstock/internal/v1/planning.pb.h"
#include "services/common/core/clock.h"

namespace penstock {
class PgTransaction;
}

namespace penstock::state {

namespace pb = penstock::internal::v1;

// What a Sync is beside its resource: its snapshot, its schedule, whether it is paused.
struct SyncRow {
  int64_t snapshot = 0;
  int64_t epoch = 0;
  std::string destination;
  std::string account;
  bool paused = false;
  bool deleting = false;
  WallTime now;  // of the database: replicas' clocks may differ
};

// Locks the Sync's row, so that two triggers at once see each other's run. RESOURCE_NOT_FOUND.
absl::StatusOr<SyncRow> LockSync(PgTransaction& tx, const std::string& name);

// Creates or changes the row of a Sync whose resource was stored. A new Sync goes on with the
// snapshot of a deleted one of its name and target, where that is kept.
absl::Status StoreSync(PgTransaction& tx, const penstock::v1::Sync& sync,
                       const pb::SyncTarget& target, bool paused_if_new);

// An empty snapshot for one run that uses no delivered rows and leaves none; it goes with the run.
absl::StatusOr<int64_t> MakeScratchSnapshot(PgTransaction& tx);

// Deletes resource and row of a Sync that has no active run; its snapshot is kept for 30 days, or
// goes with the next round of housekeeping.
enum class Delivered : uint8_t { kKept, kForgotten };
absl::Status RetireSync(PgTransaction& tx, const std::string& name, Delivered delivered);

// Starts a Sync anew; to resend, by the next epoch of its snapshot: that is part of every recipe,
// so all rows count as changed, and stay known. RUN_ACTIVE while it has an active run, whose
// outcomes would be of two minds.
absl::Status ResetSync(PgTransaction& tx, const std::string& name, penstock::v1::Reset reset);

// RESOURCE_NOT_FOUND.
absl::Status FillStatus(PgTransaction& tx, const std::string& name,
                        penstock::v1::SyncStatus& status);

bool Removes(const penstock::v1::Sync& sync);

}  // namespace penstock::state
