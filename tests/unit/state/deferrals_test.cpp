#include "services/state/domain/deferrals.h"

#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "services/common/core/status.h"
#include "services/common/model/outcome.h"

namespace penstock::state {
namespace {

constexpr int64_t kSecond = 1'000'000, kHour = 3600 * kSecond;
constexpr DeferralPolicy kPolicy{.from_us = kHour, .to_us = 24 * kHour};
constexpr int64_t kNow = 1000 * kHour;
constexpr uint64_t kRecipe = 9;

struct Record {
  uint64_t key;
  uint64_t row;
  uint8_t outcome;
};

class RefusalsTest : public ::testing::Test {
 protected:
  void Add(std::initializer_list<Record> records, Operation operation = Operation::kUpsert,
           bool clears = true) {
    std::string intents, outcomes;
    IntentWriter writer(intents, false);
    for (const Record& record : records) {
      writer.Add({.key = {record.key, 0}, .row = record.row});
      outcomes += static_cast<char>(record.outcome);
    }
    const auto n = static_cast<uint32_t>(records.size());
    ASSERT_TRUE(refusals_.Add({operation, n, false, intents, outcomes, ""}, clears).ok());
  }

  // The deferrals of the read, on top of `older` (one segment, or none).
  std::vector<Deferral> Build(const std::string& older = "", int64_t now = kNow) {
    auto source = [older,
                   given = older.empty()]() mutable -> absl::StatusOr<std::optional<std::string>> {
      return std::exchange(given, true) ? std::nullopt : std::optional(older);
    };
    auto bytes = refusals_.Build(source, kRecipe, kPolicy, now);
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    segment_ = *bytes;
    auto view = SegmentView::Open(segment_, true);
    EXPECT_TRUE(view.ok()) << view.status();
    std::vector<Deferral> all;
    for (uint32_t i = 0; i < view->size(); ++i) all.push_back(view->deferral(i));
    return all;
  }

  Refusals refusals_;
  std::string segment_;
};

constexpr uint8_t kRefused = PackOutcome(Outcome::kRejected);
constexpr uint8_t kTaken = PackOutcome(Outcome::kDelivered);

TEST(NextTry, DoublesFromAnHourToADay) {
  int64_t hours[] = {1, 2, 4, 8, 16, 24, 24};
  for (uint16_t tries = 1; tries <= 7; ++tries) {
    EXPECT_EQ(NextTry(kPolicy, tries, kNow), kNow + hours[tries - 1] * kHour) << tries;
  }
  EXPECT_EQ(NextTry(kPolicy, 1000, kNow), kNow + 24 * kHour);
}

TEST(NextTry, NeverWaitsLongerThanTheLongestTime) {
  EXPECT_EQ(NextTry({.from_us = 2 * kHour, .to_us = kHour}, 1, kNow), kNow + kHour);
}

TEST_F(RefusalsTest, ARejectedRecordIsDeferredAndOneThatWasTakenIsNot) {
  Add({{1, 10, kRefused}, {2, 20, kTaken}, {3, 30, PackOutcome(Outcome::kUnknown)}},
      Operation::kUpsert, /*clears=*/false);
  const auto deferrals = Build();
  ASSERT_EQ(deferrals.size(), 1u) << "what is in doubt is tried again at once, not deferred";
  EXPECT_EQ(deferrals[0].key, (Hash128{1, 0}));
  EXPECT_EQ(deferrals[0].row, 10u);
  EXPECT_EQ(deferrals[0].tries, 1);
  EXPECT_EQ(deferrals[0].next_try_us, kNow + kHour);
  EXPECT_FALSE(deferrals[0].removal);
  EXPECT_FALSE(deferrals[0].cleared);
}

TEST_F(RefusalsTest, AnUpdateThatFoundNothingIsDeferredAndAnInsertThatFoundOneIsNot) {
  Add({{1, 10, PackOutcome(Outcome::kSkipped, SkipReason::kNotFound)},
       {2, 20, PackOutcome(Outcome::kSkipped, SkipReason::kExists)}},
      Operation::kUpdate, false);
  const auto deferrals = Build();
  ASSERT_EQ(deferrals.size(), 1u);
  EXPECT_EQ(deferrals[0].key, (Hash128{1, 0}));
}

TEST_F(RefusalsTest, TheSameRowRefusedAgainWaitsTwiceAsLong) {
  Add({{1, 10, kRefused}, {5, 50, kRefused}});
  Build();
  const std::string first = segment_;
  Add({{1, 10, kRefused}, {5, 51, kRefused}});
  const auto second = Build(first, kNow + kHour);
  ASSERT_EQ(second.size(), 2u);
  EXPECT_EQ(second[0].tries, 2);
  EXPECT_EQ(second[0].next_try_us, kNow + 3 * kHour);
  EXPECT_EQ(second[1].tries, 1) << "another row of that key starts anew";
  EXPECT_EQ(second[1].next_try_us, kNow + 2 * kHour);
}

TEST_F(RefusalsTest, ARefusedRemovalIsNotTheRefusalOfItsRow) {
  Add({{1, 10, kRefused}});
  Build();
  const std::string first = segment_;
  Add({{1, 10, kRefused}}, Operation::kRemove);
  const auto second = Build(first);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_TRUE(second[0].removal);
  EXPECT_EQ(second[0].tries, 1);
}

TEST_F(RefusalsTest, ARecordThatWasTakenIsDeferredNoMoreAndStartsAnewLater) {
  Add({{1, 10, kRefused}});
  Build();
  Add({{1, 10, kTaken}});
  const auto cleared = Build(segment_);
  ASSERT_EQ(cleared.size(), 1u);
  EXPECT_TRUE(cleared[0].cleared);
  Add({{1, 10, kRefused}});
  const auto again = Build(segment_);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].tries, 1);
  EXPECT_FALSE(again[0].cleared);
}

TEST_F(RefusalsTest, WithoutOlderDeferralsThereIsNothingToClear) {
  Add({{1, 10, kTaken}}, Operation::kUpsert, /*clears=*/false);
  EXPECT_TRUE(refusals_.empty());
}

TEST_F(RefusalsTest, KeysInAnyOrderBecomeASortedSegmentAndItStartsAnew) {
  Add({{9, 90, kRefused}, {2, 20, kRefused}});
  Add({{5, 50, kRefused}});
  const auto deferrals = Build();
  ASSERT_EQ(deferrals.size(), 3u);
  EXPECT_EQ(deferrals[0].key.hi, 2u);
  EXPECT_EQ(deferrals[1].key.hi, 5u);
  EXPECT_EQ(deferrals[2].key.hi, 9u);
  EXPECT_TRUE(refusals_.empty());
}

TEST_F(RefusalsTest, IntentsOfAnotherCountAreCorrupt) {
  EXPECT_EQ(CodeOf(refusals_.Add({Operation::kUpsert, 2, false, "short", "", ""}, true)),
            ErrorCode::kDATA_CORRUPT);
}

}  // namespace
}  // namespace penstock::state
