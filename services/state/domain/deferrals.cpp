#include "services/state/domain/deferrals.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "services/common/core/status.h"
#include "services/common/model/record_rules.h"

namespace penstock::state {
namespace {

// Walks the deferrals of a level in the order of their keys.
class Cursor {
 public:
  explicit Cursor(LevelSource source) : source_(std::move(source)) {}

  // The deferral of `key`, or nullopt. REQUIRES: keys are asked for in ascending order.
  absl::StatusOr<std::optional<Deferral>> Seek(const Hash128& key) {
    for (;;) {
      while (view_.has_value() && at_ < view_->size() && view_->key(at_) < key) ++at_;
      if (view_.has_value() && at_ < view_->size()) {
        return view_->key(at_) == key ? std::optional(view_->deferral(at_)) : std::nullopt;
      }
      PENSTOCK_ASSIGN_OR_RETURN(std::optional<std::string> next, source_());
      if (!next.has_value()) return std::nullopt;
      bytes_ = std::move(*next);
      PENSTOCK_ASSIGN_OR_RETURN(view_, SegmentView::Open(bytes_, /*verify_checksum=*/true));
      at_ = 0;
    }
  }

 private:
  LevelSource source_;
  std::string bytes_;
  std::optional<SegmentView> view_;
  uint32_t at_ = 0;
};

}  // namespace

int64_t NextTry(const DeferralPolicy& policy, uint16_t tries, int64_t now_us) {
  int64_t wait = policy.from_us;
  for (uint16_t i = 1; i < tries && wait < policy.to_us; ++i) wait *= 2;
  return now_us + std::min(wait, policy.to_us);
}

absl::Status Refusals::Add(const BegunBatch& batch, bool clears) {
  PENSTOCK_ASSIGN_OR_RETURN(const std::vector<Intent> intents,
                            ReadIntents(batch.intents, batch.records, batch.keeps_identity));
  for (size_t i = 0; i < intents.size() && i < batch.outcomes.size(); ++i) {
    const RecordRule* rule = RuleBehind(batch.operation, static_cast<uint8_t>(batch.outcomes[i]));
    // What is in doubt is tried again at once.
    if (rule == nullptr || rule->entry == EntryAfter::kInDoubt) continue;
    if (!rule->deferred && !clears) continue;
    found_.push_back({.key = intents[i].key,
                      .row = intents[i].row,
                      .removal = batch.operation == Operation::kRemove,
                      .cleared = !rule->deferred});
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Refusals::Build(LevelSource old, uint64_t recipe,
                                            const DeferralPolicy& policy, int64_t now_us) {
  std::stable_sort(found_.begin(), found_.end(),
                   [](const Deferral& a, const Deferral& b) { return a.key < b.key; });
  Cursor cursor(std::move(old));
  SegmentBuilder builder({.kind = SegmentKind::kDeferrals, .recipe = recipe});
  for (size_t i = 0; i < found_.size(); ++i) {
    // A key is in at most one record of a read; were it in two, the last one holds.
    if (i + 1 < found_.size() && found_[i + 1].key == found_[i].key) continue;
    Deferral deferral = found_[i];
    if (!deferral.cleared) {
      PENSTOCK_ASSIGN_OR_RETURN(const std::optional<Deferral> before, cursor.Seek(deferral.key));
      const bool again =
          before.has_value() && before->row == deferral.row && before->removal == deferral.removal;
      deferral.tries = static_cast<uint16_t>(again ? std::min(before->tries + 1, 1000) : 1);
      deferral.next_try_us = NextTry(policy, deferral.tries, now_us);
    }
    builder.Add(deferral);
  }
  found_.clear();
  return builder.Finish();
}

}  // namespace penstock::state
