#pragma once

#include <vector>

#include "absl/status/status.h"
#include "penstock/internal/v1/planning.pb.h"

namespace penstock {
class PgTransaction;
}

namespace penstock::state {

namespace pb = penstock::internal::v1;

// After the database was restored from a backup: destinations hold what it does not know. Ends
// every run, puts every entry of every snapshot in doubt, forgets what was deferred, and moves all
// numbers on, so that whatever was in flight or cached when the backup was older is never taken for
// something new. All or nothing. `ended`: the runs as they stand after it.
absl::Status DeclareRestored(PgTransaction& tx, const pb::DeclareRestoredRequest& request,
                             pb::DeclareRestoredResponse& response,
                             std::vector<pb::RunFacts>& ended);

}  // namespace penstock::state
