#include "services/common/model/fold.h"

#include <algorithm>

#include "services/common/core/status.h"
#include "services/common/model/bitmap.h"
#include "services/common/model/outcome.h"
#include "services/common/model/record_rules.h"

namespace penstock {

std::optional<Entry> FoldRecord(Operation operation, const Intent& intent, uint8_t outcome,
                                bool unanswered) {
  Entry entry{.key = intent.key,
              .row = intent.row,
              .primary_key = intent.primary_key,
              .identity = intent.identity};
  const RecordRule* rule = RuleBehind(operation, outcome);
  EntryAfter after = rule == nullptr ? EntryAfter::kInDoubt : rule->entry;
  if (after == EntryAfter::kOlder && unanswered) after = EntryAfter::kInDoubt;
  switch (after) {
    case EntryAfter::kRow:
      return entry;
    case EntryAfter::kRemoved:
      return Entry{.key = intent.key, .tombstone = true};
    case EntryAfter::kOlder:
      return std::nullopt;
    case EntryAfter::kInDoubt:
      break;
  }
  entry.in_doubt = true;
  entry.emission = intent.emission;
  return entry;
}

absl::Status Folder::Add(const BegunBatch& batch) {
  PENSTOCK_ASSIGN_OR_RETURN(std::vector<Intent> intents,
                            ReadIntents(batch.intents, batch.records, batch.keeps_identity));
  for (uint32_t i = 0; i < batch.records; ++i) {
    uint8_t outcome = i < batch.outcomes.size() ? static_cast<uint8_t>(batch.outcomes[i])
                                                : PackOutcome(Outcome::kPending);
    std::optional<Entry> entry =
        FoldRecord(batch.operation, intents[i], outcome, BitAt(batch.unanswered, i));
    if (!entry.has_value()) continue;
    entries_.push_back({*entry, identities_.size()});
    if (layout_.with_identity) identities_ += entry->identity;
  }
  return absl::OkStatus();
}

absl::Status Folder::Finish(size_t max_segment_bytes, const SegmentSink& emit) {
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Held& a, const Held& b) { return a.entry.key < b.entry.key; });
  SegmentBuilder builder(layout_);
  auto flush = [&]() -> absl::Status {
    SegmentHeader header = layout_;
    header.entries = builder.entries();
    return header.entries == 0 ? absl::OkStatus() : emit(builder.Finish(), header);
  };
  absl::Status status;
  for (size_t i = 0; i < entries_.size() && status.ok(); ++i) {
    Entry entry = entries_[i].entry;
    if (i + 1 < entries_.size() && entries_[i + 1].entry.key == entry.key) continue;
    // The string may have moved since the entry was added.
    entry.identity =
        layout_.with_identity
            ? std::string_view(identities_).substr(entries_[i].identity_at, entry.identity.size())
            : std::string_view();
    builder.Add(entry);
    if (builder.bytes() >= max_segment_bytes) status = flush();
  }
  if (status.ok()) status = flush();
  entries_.clear();
  identities_.clear();
  return status;
}

}  // namespace penstock
