#include "services/state/domain/levels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "services/common/core/random.h"

namespace penstock::state {
namespace {

using Sizes = std::vector<uint64_t>;

// Merges as long as there is something to merge; returns the entries rewritten.
uint64_t MergeAll(Sizes& levels) {
  uint64_t rewritten = 0;
  while (const auto merge = NextMerge(levels)) {
    EXPECT_LT(merge->first, merge->last);
    EXPECT_LT(merge->last, levels.size());
    const auto first = levels.begin() + static_cast<ptrdiff_t>(merge->first);
    const auto last = levels.begin() + static_cast<ptrdiff_t>(merge->last) + 1;
    const uint64_t sum = std::accumulate(first, last, uint64_t{0});
    rewritten += sum;
    *first = sum;
    levels.erase(first + 1, last);
  }
  return rewritten;
}

TEST(Levels, ABaseAloneIsLeftAlone) {
  EXPECT_FALSE(NextMerge(Sizes{}).has_value());
  EXPECT_FALSE(NextMerge(Sizes{1'000'000}).has_value());
  EXPECT_FALSE(NextMerge(Sizes{1'000'000, 100}).has_value());
}

TEST(Levels, AQuarterOfTheBaseGoesIntoIt) {
  EXPECT_FALSE(NextMerge(Sizes{1000, 200, 49}).has_value());
  const auto merge = NextMerge(Sizes{1000, 200, 50});
  ASSERT_TRUE(merge.has_value());
  EXPECT_TRUE(merge->into_base());
  EXPECT_EQ(merge->last, 2u) << "all newer levels go at once";
}

TEST(Levels, NeighboursOfLikeSizeBecomeOneWithoutTouchingTheBase) {
  const auto merge = NextMerge(Sizes{1'000'000, 5000, 100, 90});
  ASSERT_TRUE(merge.has_value());
  EXPECT_EQ(merge->first, 2u);
  EXPECT_EQ(merge->last, 3u);
}

TEST(Levels, AReaderNeverLooksThroughMoreThanEight) {
  // Each level is far larger than all above it together, so none is like its neighbour.
  Sizes levels = {uint64_t{1} << 50};
  for (int i = 9; i > 0; --i) levels.push_back(uint64_t{1} << (4 * i));
  ASSERT_EQ(levels.size() - 1, kMaxNewerLevels + 1);
  MergeAll(levels);
  EXPECT_LE(levels.size() - 1, kMaxNewerLevels);
}

// A long life of runs of all sizes: the levels stay few, and an entry is rewritten some ten times,
// not once a run.
TEST(Levels, ALongLifeKeepsThemFewAndTheWorkSmall) {
  SeededRandom random(11);
  Sizes levels = {1'000'000};
  uint64_t written = 0, rewritten = 0;
  for (int run = 0; run < 2000; ++run) {
    const uint64_t changed = 1 + random.Next() % (random.Next() % 20 == 0 ? 50'000 : 500);
    levels.push_back(changed);
    written += changed;
    rewritten += MergeAll(levels);
    ASSERT_LE(levels.size() - 1, kMaxNewerLevels) << "after run " << run;
  }
  EXPECT_EQ(std::accumulate(levels.begin(), levels.end(), uint64_t{0}), 1'000'000 + written);
  EXPECT_LT(static_cast<double>(rewritten) / static_cast<double>(written), 20.0);
}

}  // namespace
}  // namespace penstock::state
