#pragma once

#include "absl/status/status.h"
#include "penstock/internal/v1/planning.pb.h"

namespace penstock {
class PgTransaction;
}

namespace penstock::state {

namespace pb = penstock::internal::v1;

// Every run that is not terminal. A read that began under another incarnation of Redis has lost its
// batches: its tasks are marked lost.
absl::Status Reconcile(PgTransaction& tx, const pb::ReconcileRequest& request,
                       pb::ReconcileResponse& response);

absl::Status ListRuns(PgTransaction& tx, const pb::ListRunsRequest& request,
                      pb::ListRunsResponse& response);

absl::Status GetPlanSamples(PgTransaction& tx, const pb::GetPlanSamplesRequest& request,
                            pb::GetPlanSamplesResponse& response);

// Deletes what is older than it is kept: plan samples (an hour), rejected records (30 days), runs
// (90 days, the last 20 of a Sync always), audit (400 days).
absl::Status DeleteExpired(PgTransaction& tx);

}  // namespace penstock::state
