#include "services/extractor/domain/diff/differ.h"

#include <algorithm>

#include "services/common/core/status.h"
#include "services/common/model/bitmap.h"
#include "services/extractor/domain/diff/removals.h"

namespace penstock {
namespace {

// Flags of a spilled row: its category, and whether another row of its key had come before.
constexpr uint64_t kCategoryMask = 0xFF;
constexpr uint64_t kFollows = 0x100;

}  // namespace

Differ::Differ(const Program& program, Mapper& mapper, const SnapshotIndex& index,
               const DeferralIndex& deferrals, DifferOptions options, DiffSink& sink)
    : program_(program),
      mapper_(mapper),
      index_(index),
      deferrals_(deferrals),
      options_(std::move(options)),
      sink_(sink),
      seen_((index.ordinals() + 7) / 8, '\0'),
      spilled_(options_.spill_directory, options_.spill_memory_bytes) {}

absl::Status Differ::Add(std::span<const RawRow> rows) {
  while (!rows.empty()) {
    size_t n = std::min(rows.size(), kBlock);
    PENSTOCK_RETURN_IF_ERROR(AddBlock(rows.first(n)));
    rows = rows.subspan(n);
  }
  return absl::OkStatus();
}

absl::Status Differ::AddBlock(std::span<const RawRow> rows) {
  size_t n = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (MaybeError error = mapper_.Key(rows[i], keys_[n])) {
      PENSTOCK_RETURN_IF_ERROR(AddUnkeyed(rows[i], *error));
    } else {
      rows_of_keys_[n++] = static_cast<uint8_t>(i);
    }
  }
  index_.Find(std::span(keys_).first(n), std::span(found_).first(n));
  for (size_t i = 0; i < n; ++i) {
    if (found_[i].found()) __builtin_prefetch(&seen_[index_.ordinal(found_[i]) / 8]);
  }
  for (size_t i = 0; i < n; ++i)
    PENSTOCK_RETURN_IF_ERROR(AddKeyed(rows[rows_of_keys_[i]], keys_[i], found_[i]));
  return absl::OkStatus();
}

absl::Status Differ::AddUnkeyed(const RawRow& row, const ValueError& error) {
  ++counters_.rows_read;
  ++counters_.invalid;
  if (program_.keeps_identity && !program_.primary_key.empty())
    unkeyed_.push_back(mapper_.PrimaryKeyHash(row));
  return ReportInvalid(row, error);
}

bool Differ::MarkSeen(const EntryPosition& at) {
  uint64_t ordinal = index_.ordinal(at);
  bool before = BitAt(seen_, ordinal);
  SetBit(seen_, ordinal);
  return before;
}

absl::Status Differ::AddKeyed(const RawRow& row, const Hash128& key, const EntryPosition& at) {
  ++counters_.rows_read;
  const uint64_t row_hash = mapper_.RowHash(row);
  const bool known = at.found() && !index_.segment(at).tombstone(at.index);
  const bool follows = known && MarkSeen(at);
  if (known) {
    ++counters_.known;
    const SegmentView& segment = index_.segment(at);
    const bool same_recipe = segment.header().recipe == program_.recipe;
    if (same_recipe && segment.row(at.index) == row_hash && !segment.in_doubt(at.index)) {
      ++counters_.unchanged;
      return follows ? spilled_.Add({key, row_hash, kUnchanged | kFollows}) : absl::OkStatus();
    }
    if (same_recipe && segment.row(at.index) != row_hash) ++counters_.known_changed;
  }
  if (follows && program_.key_is_unique) {
    // The constraint was dropped in mid-read. Records of the key may have been sent, so this row
    // has to wait for the next read.
    ++counters_.invalid;
    return ReportInvalid(
        row, {ErrorCode::kIDENTITY_DUPLICATE, "another row of this read has the same identity"});
  }
  PENSTOCK_ASSIGN_OR_RETURN(Category category, Classify(row, key, row_hash, at, known));
  ++Counter(category);
  if (program_.key_is_unique) return absl::OkStatus();
  return spilled_.Add({key, row_hash, category | (follows ? kFollows : 0)});
}

absl::StatusOr<Differ::Category> Differ::Classify(const RawRow& row, const Hash128& key,
                                                  uint64_t row_hash, const EntryPosition& at,
                                                  bool known) {
  const bool in_doubt = known && index_.segment(at).in_doubt(at.index);
  if (options_.insert_only && known && !in_doubt) return kSkipped;
  if (deferrals_.DefersRow(key, row_hash)) return kDeferred;
  if (!IsWanted(row)) return kSkipped;
  Intent intent{.key = key, .row = row_hash, .emission = options_.emission};
  if (in_doubt && index_.segment(at).row(at.index) == row_hash &&
      index_.segment(at).header().recipe == program_.recipe) {
    if (options_.at_most_once) return kDeferred;
    intent.emission = index_.entry(at).emission;
  }
  const bool adopts = options_.adopts || (known && !in_doubt && EqualByOlderRecipe(row, at));
  return RenderAndEmit(row, intent, adopts ? Disposal::kAdopt : Disposal::kSend);
}

bool Differ::IsWanted(const RawRow& row) {
  if (options_.limit.has_value() && counters_.changed >= *options_.limit) return false;
  return !options_.only.has_value() ||
         std::binary_search(options_.only->begin(), options_.only->end(),
                            mapper_.PrimaryKeyHash(row));
}

bool Differ::EqualByOlderRecipe(const RawRow& row, const EntryPosition& at) {
  const SegmentView& segment = index_.segment(at);
  return options_.older != nullptr && segment.header().recipe == options_.older->recipe() &&
         segment.row(at.index) == options_.older->RowHash(row);
}

absl::StatusOr<Differ::Category> Differ::RenderAndEmit(const RawRow& row, Intent intent,
                                                       Disposal disposal) {
  ValueError error;
  switch (mapper_.Render(row, record_, error)) {
    case Mapper::Rendering::kSkip:
      return kSkipped;
    case Mapper::Rendering::kInvalid:
      PENSTOCK_RETURN_IF_ERROR(ReportInvalid(row, error));
      return kInvalid;
    case Mapper::Rendering::kDone:
      break;
  }
  label_.clear();
  mapper_.AppendLabel(row, label_);
  if (program_.keeps_identity) {
    identity_.clear();
    mapper_.AppendIdentity(record_, identity_);
    intent.identity = identity_;
    intent.primary_key = mapper_.PrimaryKeyHash(row);
  }
  PENSTOCK_RETURN_IF_ERROR(sink_.Emit(intent, label_, record_, disposal));
  return kChanged;
}

absl::Status Differ::ReportInvalid(const RawRow& row, const ValueError& error) {
  label_.clear();
  mapper_.AppendLabel(row, label_);
  return sink_.Invalid(label_, error);
}

uint64_t& Differ::Counter(Category category) {
  switch (category) {
    case kUnchanged:
      return counters_.unchanged;
    case kDeferred:
      return counters_.deferred;
    case kSkipped:
      return counters_.skipped;
    case kChanged:
      return counters_.changed;
    default:
      return counters_.invalid;
  }
}

// Rows of one key that are all equal are one row and its copies; otherwise none of them may be
// sent, for nobody knows which of them is meant.
void Differ::EndGroup() {
  uint64_t listed = 0;
  for (uint64_t n : group_.rows) listed += n;
  // When all follow another, the first was unchanged and so is not in the list. Its equals are
  // those that count as unchanged.
  const bool unlisted_first = !group_.has_first;
  if (unlisted_first) {
    if (group_.rows[kUnchanged] == 0) ++group_.distinct;
    ++group_.rows[kUnchanged];
  }
  const uint64_t all = listed + (unlisted_first ? 1 : 0);
  if (all == 1) return;
  if (group_.distinct == 1) {
    counters_.copies += all - 1;
    // Equal rows of one key are counted alike, so one category has all of them.
    for (uint8_t c = 0; c < kCategories; ++c) {
      if (group_.rows[c] > 0) Counter(static_cast<Category>(c)) -= group_.rows[c] - 1;
    }
    if (group_.rows[kChanged] > 1) filter_.AddCopies(group_.key);
    return;
  }
  for (uint8_t c = 0; c < kCategories; ++c) Counter(static_cast<Category>(c)) -= group_.rows[c];
  counters_.invalid += group_.distinct;
  counters_.copies += all - group_.distinct;
  filter_.AddDuplicate(group_.key);
}

absl::Status Differ::Finish() {
  bool open = false;
  absl::Status status = spilled_.ForEach([&](const SpilledRow& row) {
    if (!open || row.key != group_.key) {
      if (open) EndGroup();
      group_ = {};
      group_.key = row.key;
      open = true;
    }
    auto category = static_cast<Category>(row.flags & kCategoryMask);
    if (group_.distinct == 0 || row.row != group_.last_row) ++group_.distinct;
    group_.last_row = row.row;
    group_.has_first |= (row.flags & kFollows) == 0;
    ++group_.rows[category];
    return absl::OkStatus();
  });
  PENSTOCK_RETURN_IF_ERROR(status);
  if (open) EndGroup();

  std::sort(unkeyed_.begin(), unkeyed_.end());
  counters_.protected_from_removal = ProtectByPrimaryKey(index_, unkeyed_, seen_);
  return absl::OkStatus();
}

}  // namespace penstock
