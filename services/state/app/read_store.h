#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "services/common/core/uuid.h"

namespace penstock {
class PgTransaction;
}

namespace penstock::state {

// Begins read n+1 of a run: pins the snapshot's head and the current revisions, and makes its task,
// which may be leased after `wait_ms`. REQUIRES: the run's row is locked for update and its last
// read is closed.
absl::Status BeginRead(PgTransaction& tx, const Uuid& run, int64_t wait_ms);

// What a closed read left undone.
struct ClosedRead {
  bool whole = false;
  int64_t rejected = 0;
  int64_t in_doubt = 0;
  int64_t withdrawn = 0;
  int64_t settled = 0;    // records that got an outcome
  int64_t truncated = 0;  // of the withdrawn: found no room in the spool
};

// Closes the current read of a run: what never began is withdrawn, what began without an outcome is
// in doubt, the log is folded into a new level of the snapshot and deleted. Does nothing to a read
// that is closed, or before the first one. REQUIRES: the run's row is locked for update and no
// grant of it is open.
absl::StatusOr<ClosedRead> CloseRead(PgTransaction& tx, const Uuid& run);

}  // namespace penstock::state
