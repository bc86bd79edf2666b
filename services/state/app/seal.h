#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "services/common/core/uuid.h"

namespace penstock {
class PgTransaction;
}

namespace penstock::state {

// Folds the log of a read into a new level of its snapshot, and its rejected records into the
// deferrals, then deletes the log. The log of an older epoch is only deleted. REQUIRES: nothing of
// the read can begin or settle any more.
absl::Status SealLog(PgTransaction& tx, const Uuid& run, int64_t read);

// Merges one run of levels of a snapshot, if its sizes ask for it. Returns whether something was
// merged.
absl::StatusOr<bool> MergeOnce(PgTransaction& tx, int64_t snapshot);

}  // namespace penstock::state
