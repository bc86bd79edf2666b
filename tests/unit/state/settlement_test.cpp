#include "services/state/domain/settlement.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "services/common/core/status.h"

namespace penstock::state {
namespace {

std::string Pack(std::initializer_list<Outcome> outcomes) {
  std::string packed;
  for (Outcome outcome : outcomes) packed += static_cast<char>(PackOutcome(outcome));
  return packed;
}

std::string Bits(std::initializer_list<size_t> set, size_t records) {
  std::string bits(BitBytes(records), '\0');
  for (size_t i : set) bits[i / 8] = static_cast<char>(bits[i / 8] | 1 << (i % 8));
  return bits;
}

using enum Outcome;

TEST(Settle, WhatTheReportSaysOfPendingRecordsIsTheirOutcome) {
  const auto after = Settle(Pack({kPending, kPending, kPending}), Bits({}, 3),
                            Pack({kDelivered, kPending, kRejected}), Bits({}, 3));
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->outcomes, Pack({kDelivered, kPending, kRejected}));
  EXPECT_EQ(after->added.of(kDelivered), 1);
  EXPECT_EQ(after->added.of(kRejected), 1);
  EXPECT_EQ(after->added.of(kPending), 0);
  EXPECT_FALSE(after->settled);
  EXPECT_TRUE(after->all_answered);
}

TEST(Settle, AFinalOutcomeSticksWhateverALaterReportSays) {
  for (Outcome first : {kDelivered, kUnchanged, kSkipped, kRejected, kUnknown}) {
    for (Outcome second : {kPending, kDelivered, kUnchanged, kSkipped, kRejected, kUnknown}) {
      const auto after = Settle(Pack({first}), Bits({}, 1), Pack({second}), Bits({}, 1));
      ASSERT_TRUE(after.ok());
      EXPECT_EQ(after->outcomes, Pack({first})) << Name(first) << " then " << Name(second);
      EXPECT_EQ(after->added.by_outcome, (std::array<int64_t, 6>{})) << "counted twice";
      EXPECT_TRUE(after->settled);
    }
  }
}

TEST(Settle, TheSameReportTwiceAddsNothing) {
  const std::string report = Pack({kDelivered, kRejected});
  const auto once = Settle(Pack({kPending, kPending}), Bits({}, 2), report, Bits({1}, 2));
  ASSERT_TRUE(once.ok());
  const auto twice = Settle(once->outcomes, once->unanswered, report, Bits({1}, 2));
  ASSERT_TRUE(twice.ok());
  EXPECT_EQ(twice->outcomes, once->outcomes);
  EXPECT_EQ(twice->unanswered, once->unanswered);
  EXPECT_EQ(twice->added.by_outcome, (std::array<int64_t, 6>{}));
}

TEST(Settle, AnAttemptThatWentUnansweredIsNeverForgotten) {
  const auto after =
      Settle(Pack({kPending, kPending}), Bits({0}, 2), Pack({kRejected, kDelivered}), Bits({}, 2));
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(after->unanswered, Bits({0}, 2)) << "the bit of the first attempt stays";
  EXPECT_TRUE(after->settled);
  EXPECT_FALSE(after->all_answered) << "its grant stays open: the request may be on its way";
}

TEST(Settle, TheReasonOfASkipIsKept) {
  const std::string skipped(
      1, static_cast<char>(PackOutcome(Outcome::kSkipped, SkipReason::kNotFound)));
  const auto after = Settle(Pack({kPending}), Bits({}, 1), skipped, Bits({}, 1));
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(after->outcomes, skipped);
  EXPECT_EQ(after->added.of(kSkipped), 1);
}

TEST(Settle, ANumberThatNoOutcomeHasIsUnknownAndNeverASuccess) {
  const auto after = Settle(Pack({kPending}), Bits({}, 1), "\x0e", Bits({}, 1));
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(after->added.of(kUnknown), 1);
  EXPECT_EQ(after->added.of(kDelivered), 0);
  EXPECT_EQ(CountOutcomes("\x0e\x0f\x06").of(kUnknown), 3);
}

TEST(Settle, AReportOfAnotherSizeIsRefused) {
  const std::string nine(9, '\0');
  EXPECT_EQ(CodeOf(Settle(nine, Bits({}, 9), std::string(8, '\1'), Bits({}, 9)).status()),
            ErrorCode::kINVALID_REQUEST);
  EXPECT_EQ(CodeOf(Settle(nine, Bits({}, 9), std::string(9, '\1'), Bits({}, 8)).status()),
            ErrorCode::kINVALID_REQUEST);
}

TEST(CountOutcomes, EveryRecordIsInOneCount) {
  const OutcomeCounts counts = CountOutcomes(
      Pack({kPending, kDelivered, kDelivered, kUnchanged, kSkipped, kRejected, kUnknown}));
  EXPECT_EQ(counts.by_outcome, (std::array<int64_t, 6>{1, 2, 1, 1, 1, 1}));
}

TEST(LostGrant, WhateverWasPendingMayHaveBeenSent) {
  const std::string outcomes = Pack({kDelivered, kPending, kRejected, kPending, kUnknown, kPending,
                                     kDelivered, kDelivered, kPending});
  EXPECT_EQ(UnansweredAfterLoss(outcomes, Bits({2}, 9)), Bits({1, 2, 3, 5, 8}, 9));
}

}  // namespace
}  // namespace penstock::state
