#pragma once

#include "absl/status/status.h"
#include "penstock/internal/v1/batch.pb.h"
#include "penstock/internal/v1/planning.pb.h"
#include "services/common/core/uuid.h"

namespace penstock {
class PgTransaction;
}

namespace penstock::state {

// The operation under which a row that can't be sent is listed.
inline constexpr int kInvalidRow = 0;

// Lists a record that was not taken, for people. Beyond 10,000 of a run they are counted only.
absl::Status StoreProblem(PgTransaction& tx, const Uuid& run, int operation,
                          const penstock::internal::v1::RecordProblem& problem);

absl::Status ListRejectedRecords(PgTransaction& tx,
                                 const penstock::internal::v1::ListRejectedRecordsRequest& request,
                                 penstock::internal::v1::ListRejectedRecordsResponse& response);

}  // namespace penstock::state
