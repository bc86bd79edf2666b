#include "services/state/domain/quota.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <vector>

#include "services/common/core/random.h"

namespace penstock::state {
namespace {

constexpr int64_t kHour = 3'600'000, kMinute = 60'000;
constexpr QuotaWindow kHourly{10, kHour};

TEST(Quota, AnUnusedWindowHasRoomForAll) {
  EXPECT_EQ(RoomIn(kHourly, {}, 5 * kHour).attempts, 10);
}

TEST(Quota, AUsedUpWindowSaysWhenTheFirstSliceLeavesIt) {
  const int64_t now = 5 * kHour;
  const std::vector<QuotaSlice> used = {{SliceAt(kHourly, now), 4},
                                        {SliceAt(kHourly, now - 10 * kMinute), 6}};
  const QuotaRoom room = RoomIn(kHourly, used, now);
  EXPECT_EQ(room.attempts, 0);
  EXPECT_EQ(room.wait_ms, 51 * kMinute) << "the slice's last moment counts, too";
  EXPECT_EQ(RoomIn(kHourly, used, now + room.wait_ms - 1).attempts, 0);
  EXPECT_EQ(RoomIn(kHourly, used, now + room.wait_ms).attempts, 6);
}

TEST(Quota, ALoweredLimitIsNeverNegativeRoom) {
  const std::vector<QuotaSlice> used = {{SliceAt(kHourly, 0), 50}};
  EXPECT_EQ(RoomIn(kHourly, used, kMinute).attempts, 0);
}

TEST(Quota, AClockThatWasSetBackClosesItForAWindowAtMost) {
  const std::vector<QuotaSlice> used = {{SliceAt(kHourly, 100 * kHour), 10}};
  const QuotaRoom room = RoomIn(kHourly, used, kHour);
  EXPECT_EQ(room.attempts, 0);
  EXPECT_LE(room.wait_ms, kHour + SliceLength(kHourly));
}

// Whoever takes what there is never has more than the quota in any window, and not much less.
TEST(Quota, NoWindowHoldsMoreThanTheQuota) {
  SeededRandom random(7);
  std::map<int64_t, int64_t> slices;
  std::deque<int64_t> taken;
  int64_t all = 0;
  constexpr int64_t kEnd = 50 * kHour;
  for (int64_t now = 0; now < kEnd; now += static_cast<int64_t>(random.Next() % (2 * kMinute))) {
    std::erase_if(slices, [&](const auto& s) { return s.first < OldestSlice(kHourly, now); });
    std::vector<QuotaSlice> used;
    for (const auto& [start, n] : slices) used.push_back({start, n});
    const QuotaRoom room = RoomIn(kHourly, used, now);
    ASSERT_TRUE(room.attempts > 0 || room.wait_ms > 0);
    if (room.attempts == 0) continue;
    ++slices[SliceAt(kHourly, now)];
    taken.push_back(now);
    ++all;
    while (now - taken.front() >= kHour) taken.pop_front();
    ASSERT_LE(taken.size(), 10u);
  }
  EXPECT_GT(all, 440) << "of 500";
}

}  // namespace
}  // namespace penstock::state
