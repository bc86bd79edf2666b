#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "penstock/internal/v1/batch.pb.h"
#include "penstock/internal/v1/planning.pb.h"
#include "services/common/core/uuid.h"

namespace penstock {
class PgTransaction;
}

namespace penstock::state {

// The operation under which a row that can't be sent is listed.
inline constexpr int kInvalidRow = 0;

using RecordProblems = google::protobuf::RepeatedPtrField<penstock::internal::v1::RecordProblem>;

// Lists records that were not taken, for people. Beyond 10,000 of a run they are counted only.
absl::Status StoreProblems(PgTransaction& tx, const Uuid& run, int operation,
                           const RecordProblems& problems);

// The newest of a Sync's key (16 bytes, as it was reported); nullopt when there is none.
absl::StatusOr<std::optional<penstock::v1::RejectedRecord>> FindRejection(PgTransaction& tx,
                                                                          const std::string& sync,
                                                                          std::string_view key);

absl::Status ListRejectedRecords(PgTransaction& tx,
                                 const penstock::internal::v1::ListRejectedRecordsRequest& request,
                                 penstock::internal::v1::ListRejectedRecordsResponse& response);

}  // namespace penstock::state
