#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "services/common/model/resources.h"
#include "services/extractor/domain/diff/deferral_index.h"
#include "services/extractor/domain/diff/snapshot_index.h"

// What left the model: entries that no row of a whole read was seen for.
namespace penstock {

// Sets the bits of the entries whose primary key is one of `primary_keys` (sorted): rows with these
// primary keys are in the model, though their identity can't be made. Returns how many of them no
// row had marked. Without primary keys in the segments nothing is protected.
uint64_t ProtectByPrimaryKey(const SnapshotIndex& index, const std::vector<uint64_t>& primary_keys,
                             std::string& seen);

struct RemovalCounts {
  uint64_t known = 0;     // keys that the destination may hold
  uint64_t removed = 0;   // not seen, to be removed now
  uint64_t deferred = 0;  // not seen, but their removal was refused and is not tried again yet
};
RemovalCounts CountRemovals(const SnapshotIndex& index, const DeferralIndex& deferrals,
                            std::string_view seen);

// Visits the entries to be removed in ascending order of their keys; ends with the first error that
// `visit` returns.
absl::Status ForEachRemoval(const SnapshotIndex& index, const DeferralIndex& deferrals,
                            std::string_view seen,
                            const std::function<absl::Status(const Entry&)>& visit);

enum class GuardVerdict : uint8_t { kPass, kEmptyModel, kTooMany };
// kEmptyModel: the read gave no row, so nothing is removed. kTooMany: more than the fraction and
// more than the least number. `rows_read` is the read's.
GuardVerdict JudgeRemovals(const Guard& guard, const RemovalCounts& counts, uint64_t rows_read);

}  // namespace penstock
