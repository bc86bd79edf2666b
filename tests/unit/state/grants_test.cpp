#include "services/state/domain/grants.h"

#include <gtest/gtest.h>

namespace penstock::state {
namespace {

constexpr uint64_t kLoader = 7, kOther = 8;

BeginFacts Announced() {
  return {.run = RunState::kDelivering, .current_read = 3, .announced = 5};
}

BeginFacts Begun(StoredGrant batch) {
  BeginFacts facts = Announced();
  facts.batch = batch;
  return facts;
}

Refusal Refused(const BeginFacts& facts, uint32_t read = 3, uint32_t number = 5,
                uint64_t loader = kLoader) {
  return DecideBegin(facts, read, number, loader).refusal;
}

TEST(Begin, AnAnnouncedBatchOfTheCurrentReadIsGrantedOnceAsNumberOne) {
  const BeginDecision decision = DecideBegin(Announced(), 3, 5, kLoader);
  EXPECT_EQ(decision.refusal, Refusal::kNone);
  EXPECT_EQ(decision.grant_no, 1u);
  EXPECT_FALSE(decision.extends);
}

TEST(Begin, WhatNobodyAnnouncedIsStale) {
  EXPECT_EQ(Refused(Announced(), 3, 6), Refusal::kStale);
  EXPECT_EQ(Refused(Announced(), 3, 0), Refusal::kStale) << "numbers begin at 1";
  BeginFacts nothing = Announced();
  nothing.announced = 0;
  EXPECT_EQ(Refused(nothing, 3, 1), Refusal::kStale);
}

TEST(Begin, ABatchOfAnotherReadIsStaleWhetherOlderOrNewer) {
  EXPECT_EQ(Refused(Announced(), 2), Refusal::kStale);
  EXPECT_EQ(Refused(Announced(), 4), Refusal::kStale);
  BeginFacts closed = Announced();
  closed.read_closed = true;
  EXPECT_EQ(Refused(closed), Refusal::kStale) << "its log is sealed";
}

TEST(Begin, ARunThatIsNotActiveSendsNothing) {
  for (RunState state :
       {RunState::kQueued, RunState::kFinalizing, RunState::kCancelling, RunState::kParking,
        RunState::kParked, RunState::kSucceeded, RunState::kPartial, RunState::kFailed,
        RunState::kCancelled, RunState::kSkipped}) {
    BeginFacts facts = Announced();
    facts.run = state;
    EXPECT_EQ(Refused(facts), Refusal::kInactive) << Name(state);
    // Not even to go on with what it had begun: it is waited for.
    facts.batch = StoredGrant{.grant_no = 1, .owner = kLoader, .open = true};
    EXPECT_EQ(Refused(facts), Refusal::kInactive) << Name(state);
  }
  for (RunState state : {RunState::kReading, RunState::kDelivering, RunState::kRemoving}) {
    BeginFacts facts = Announced();
    facts.run = state;
    EXPECT_EQ(Refused(facts), Refusal::kNone) << Name(state);
  }
}

TEST(Begin, ABatchHasOneOpenGrantAndOnlyItsLoaderMayExtendIt) {
  const BeginFacts open = Begun({.grant_no = 2, .owner = kLoader, .open = true});
  const BeginDecision same = DecideBegin(open, 3, 5, kLoader);
  EXPECT_EQ(same.refusal, Refusal::kNone);
  EXPECT_TRUE(same.extends);
  EXPECT_EQ(same.grant_no, 2u) << "an extension keeps the number";
  EXPECT_EQ(Refused(open, 3, 5, kOther), Refusal::kBusy);
}

TEST(Begin, AfterAGrantIsOverTheNextOneHasAHigherNumberWhoeverAsks) {
  for (uint64_t loader : {kLoader, kOther}) {
    const BeginDecision next =
        DecideBegin(Begun({.grant_no = 2, .owner = kLoader, .open = false}), 3, 5, loader);
    EXPECT_EQ(next.refusal, Refusal::kNone);
    EXPECT_FALSE(next.extends);
    EXPECT_EQ(next.grant_no, 3u);
  }
}

TEST(Begin, ASettledBatchIsNeverSentAgain) {
  EXPECT_EQ(Refused(Begun({.grant_no = 1, .owner = kLoader, .settled = true})), Refusal::kSettled);
  EXPECT_EQ(Refused(Begun({.grant_no = 1, .owner = kLoader, .open = true, .settled = true})),
            Refusal::kSettled)
      << "settled, although an attempt of it went unanswered";
}

TEST(Begin, ARunHasNoMoreGrantsOpenThanItsSyncAllows) {
  BeginFacts full = Announced();
  full.max_in_flight = 2;
  full.open_grants = 2;
  EXPECT_EQ(Refused(full), Refusal::kLimit);
  full.open_grants = 1;
  EXPECT_EQ(Refused(full), Refusal::kNone);
  full.open_grants = 2;
  full.batch = StoredGrant{.grant_no = 1, .owner = kLoader, .open = true};
  EXPECT_EQ(Refused(full), Refusal::kNone) << "an open grant may be extended";
}

TEST(Report, CountsOnlyUnderTheOpenGrantOfItsLoader) {
  const StoredGrant open{.grant_no = 2, .owner = kLoader, .open = true};
  EXPECT_TRUE(GrantHolds(open, 2, kLoader));
  EXPECT_FALSE(GrantHolds(open, 1, kLoader)) << "of an earlier grant";
  EXPECT_FALSE(GrantHolds(open, 3, kLoader)) << "of a grant that nobody gave";
  EXPECT_FALSE(GrantHolds(open, 2, kOther));
  EXPECT_FALSE(GrantHolds({.grant_no = 2, .owner = kLoader, .open = false}, 2, kLoader))
      << "its grant is over";
}

}  // namespace
}  // namespace penstock::state
