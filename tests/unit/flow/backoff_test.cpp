#include "services/common/flow/backoff.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "services/common/flow/retry_budget.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, IsSpreadOverTheWholeIntervalAndCapped) {
  SeededRandom random(3);
  for (uint32_t n : {0u, 1u, 3u, 6u, 20u, 4'000'000'000u}) {
    const Duration ceiling = n >= 6 ? Duration(30s) : Duration(500ms) * (1 << n);
    Duration least = 1h, most = 0s, sum = 0s;
    for (int i = 0; i < 2000; ++i) {
      const Duration wait = FullJitter(n, random);
      least = std::min(least, wait);
      most = std::max(most, wait);
      sum += wait;
    }
    EXPECT_GE(least, 0s);
    EXPECT_LT(most, ceiling) << n;
    EXPECT_LT(least, ceiling / 50) << n;
    EXPECT_GT(most, ceiling / 50 * 49) << n;
    EXPECT_NEAR(static_cast<double>(sum.count()) / 2000, static_cast<double>(ceiling.count()) / 2,
                static_cast<double>(ceiling.count()) / 20);
  }
}

TEST(Backoff, NeverComesBackEarlierThanAsked) {
  SeededRandom random(4);
  Duration most = 0s;
  for (int i = 0; i < 2000; ++i) {
    const Duration wait = SpreadRetryAfter(10s, random);
    EXPECT_GE(wait, 10s);
    EXPECT_LT(wait, 15s);
    most = std::max(most, wait);
  }
  EXPECT_GT(most, 14s);
}

TEST(RetryBudget, AllowsThreeAndAFifth) {
  RetryBudget budget;
  std::vector<RetryBudget::Slot> slots;
  while (auto slot = budget.TryTake(2, 0)) slots.push_back(std::move(*slot));
  EXPECT_EQ(slots.size(), 3u);
  while (auto slot = budget.TryTake(50, 50)) slots.push_back(std::move(*slot));
  EXPECT_EQ(slots.size(), 20u);
  slots.pop_back();
  EXPECT_EQ(budget.active(), 19u);
  slots.clear();
  EXPECT_EQ(budget.active(), 0u);
}

}  // namespace
}  // namespace penstock
