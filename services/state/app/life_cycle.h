#pragma once

#include <string>

#include "absl/status/status.h"
#include "penstock/internal/v1/planning.pb.h"

namespace penstock {
class PgTransaction;
}

namespace penstock::state {

namespace pb = penstock::internal::v1;

// Deletes a resource; of a Sync, cancels its runs and leaves to its delivered rows what `fate`
// says. RESOURCE_NOT_FOUND.
absl::Status DeleteResource(PgTransaction& tx, const penstock::v1::ResourceName& name,
                            penstock::v1::Fate fate, const std::string& actor);

// Pauses, resumes or resets a Sync, or only tells how it stands. RESOURCE_NOT_FOUND, RUN_ACTIVE.
absl::Status ChangeSync(PgTransaction& tx, const pb::ChangeSyncRequest& request,
                        pb::ChangeSyncResponse& response);

}  // namespace penstock::state
