#include "services/extractor/domain/diff/deferral_index.h"

#include <algorithm>

namespace penstock {

DeferralIndex::DeferralIndex(std::vector<std::vector<SegmentView>> levels, uint64_t recipe,
                             int64_t now_us)
    : levels_(std::move(levels)), recipe_(recipe), now_us_(now_us) {
  for (std::vector<SegmentView>& level : levels_)
    std::erase_if(level, [](const SegmentView& view) { return view.size() == 0; });
}

std::optional<DeferralIndex::Found> DeferralIndex::Newest(const Hash128& key) const {
  for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
    auto segment = std::lower_bound(
        level->begin(), level->end(), key,
        [](const SegmentView& view, const Hash128& k) { return view.key(view.size() - 1) < k; });
    if (segment == level->end()) continue;
    if (std::optional<uint32_t> index = segment->Find(key))
      return Found{segment->deferral(*index), segment->header().recipe};
  }
  return std::nullopt;
}

std::optional<Deferral> DeferralIndex::FindRow(const Hash128& key) const {
  const std::optional<Found> found = Newest(key);
  if (!found.has_value() || found->deferral.cleared || found->deferral.removal) return std::nullopt;
  return found->deferral;
}

bool DeferralIndex::DefersRow(const Hash128& key, uint64_t row) const {
  std::optional<Found> found = Newest(key);
  return found.has_value() && !found->deferral.cleared && !found->deferral.removal &&
         found->recipe == recipe_ && found->deferral.row == row &&
         now_us_ < found->deferral.next_try_us;
}

bool DeferralIndex::DefersRemoval(const Hash128& key, uint64_t row) const {
  std::optional<Found> found = Newest(key);
  return found.has_value() && !found->deferral.cleared && found->deferral.removal &&
         found->deferral.row == row && now_us_ < found->deferral.next_try_us;
}

}  // namespace penstock
