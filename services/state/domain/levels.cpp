#include "services/state/domain/levels.h"

#include <numeric>

namespace penstock::state {
namespace {

constexpr uint64_t kBaseShare = 4;  // newer levels may reach base / 4
constexpr uint64_t kLikeSize = 2;   // neighbours within this factor are alike

}  // namespace

std::optional<LevelMerge> NextMerge(std::span<const uint64_t> entries) {
  if (entries.size() < 2) return std::nullopt;
  const size_t newest = entries.size() - 1;
  const uint64_t newer = std::accumulate(entries.begin() + 1, entries.end(), uint64_t{0});
  if (newer * kBaseShare >= entries[0]) return LevelMerge{0, newest};
  // From the newest downwards, as long as the next older level is not much larger than all above it
  // together.
  uint64_t above = entries[newest];
  size_t first = newest;
  while (first > 1 && entries[first - 1] <= above * kLikeSize) above += entries[--first];
  if (first < newest) return LevelMerge{first, newest};
  if (newest > kMaxNewerLevels) return LevelMerge{1, newest};
  return std::nullopt;
}

}  // namespace penstock::state
