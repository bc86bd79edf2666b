#include "services/extractor/domain/diff/removals.h"

#include <algorithm>

#include "services/common/model/bitmap.h"

namespace penstock {
namespace {

enum class Fate { kKept, kRemoved, kDeferred };

Fate FateOf(const SnapshotIndex& index, const DeferralIndex& deferrals, std::string_view seen,
            const EntryPosition& at) {
  if (BitAt(seen, index.ordinal(at))) return Fate::kKept;
  const SegmentView& segment = index.segment(at);
  return deferrals.DefersRemoval(segment.key(at.index), segment.row(at.index)) ? Fate::kDeferred
                                                                               : Fate::kRemoved;
}

}  // namespace

uint64_t ProtectByPrimaryKey(const SnapshotIndex& index, const std::vector<uint64_t>& primary_keys,
                             std::string& seen) {
  uint64_t kept = 0;
  if (primary_keys.empty()) return kept;
  index.ForEachLive([&](const EntryPosition& at) {
    uint64_t ordinal = index.ordinal(at);
    if (BitAt(seen, ordinal) || !index.segment(at).header().with_identity) return true;
    uint64_t primary_key = index.entry(at).primary_key;
    if (std::binary_search(primary_keys.begin(), primary_keys.end(), primary_key)) {
      SetBit(seen, ordinal);
      ++kept;
    }
    return true;
  });
  return kept;
}

RemovalCounts CountRemovals(const SnapshotIndex& index, const DeferralIndex& deferrals,
                            std::string_view seen) {
  RemovalCounts counts;
  index.ForEachLive([&](const EntryPosition& at) {
    ++counts.known;
    Fate fate = FateOf(index, deferrals, seen, at);
    counts.removed += fate == Fate::kRemoved;
    counts.deferred += fate == Fate::kDeferred;
    return true;
  });
  return counts;
}

absl::Status ForEachRemoval(const SnapshotIndex& index, const DeferralIndex& deferrals,
                            std::string_view seen,
                            const std::function<absl::Status(const Entry&)>& visit) {
  absl::Status status;
  index.ForEachLive([&](const EntryPosition& at) {
    if (FateOf(index, deferrals, seen, at) == Fate::kRemoved) status = visit(index.entry(at));
    return status.ok();
  });
  return status;
}

GuardVerdict JudgeRemovals(const Guard& guard, const RemovalCounts& counts, uint64_t rows_read) {
  if (counts.removed == 0) return GuardVerdict::kPass;
  if (rows_read == 0) return GuardVerdict::kEmptyModel;
  bool too_many =
      counts.removed > guard.max_removed_min &&
      static_cast<double>(counts.removed) > guard.max_removed * static_cast<double>(counts.known);
  return too_many ? GuardVerdict::kTooMany : GuardVerdict::kPass;
}

}  // namespace penstock
