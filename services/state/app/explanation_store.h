#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "penstock/internal/v1/extraction.pb.h"
#include "penstock/v1/run.pb.h"
#include "services/common/core/uuid.h"

namespace penstock {
class PgTransaction;
}

// What a plan for one key found of its row.
namespace penstock::state {

absl::Status StoreExplanation(PgTransaction& tx, const Uuid& run,
                              const penstock::internal::v1::ExplainedRow& row);

// With what is stored of the row's key: who delivered it, its newest rejection. nullopt: the run
// was no plan for one key.
absl::StatusOr<std::optional<penstock::v1::Explanation>> LoadExplanation(PgTransaction& tx,
                                                                         const Uuid& run);

}  // namespace penstock::state
