#include "services/planner/domain/decide.h"

#include <gtest/gtest.h>

namespace penstock::planner {
namespace {

using namespace std::chrono_literals;

constexpr Policy kPolicy{};

RunFacts In(Phase phase) {
  return {.phase = phase, .give_up_after = 24h};
}

// The event that is due, or nothing.
std::optional<Event> Due(const RunFacts& facts) {
  const auto decision = Decide(facts, kPolicy);
  return decision.has_value() ? std::optional(decision->event) : std::nullopt;
}

RunFacts Quiet(Phase phase) {
  RunFacts facts = In(phase);
  facts.tasks_done = true;
  return facts;
}

TEST(Decide, AQueuedRunStartsWhenNoOtherOfItsSyncIsActive) {
  RunFacts facts = In(Phase::kQueued);
  EXPECT_FALSE(Due(facts));
  facts.may_start = true;
  EXPECT_EQ(Due(facts), Event::kStart);
}

TEST(Decide, ARunThatReadsIsLeftAlone) {
  RunFacts facts = In(Phase::kReading);
  EXPECT_FALSE(Due(facts));
  facts.pending = 5;
  facts.open_grants = 1;
  EXPECT_FALSE(Due(facts));
}

TEST(Decide, ADeliveringRunMovesOnWhenNothingOfItIsLeft) {
  RunFacts facts = Quiet(Phase::kDelivering);
  EXPECT_EQ(Due(facts), Event::kFinalize);
  facts.may_remove = true;
  EXPECT_EQ(Due(facts), Event::kRemove);
}

TEST(Decide, NothingMovesOnWhileARecordATaskOrAGrantIsOpen) {
  for (Phase phase : {Phase::kDelivering, Phase::kRemoving}) {
    RunFacts pending = Quiet(phase), granted = Quiet(phase), busy = Quiet(phase);
    pending.pending = 1;
    granted.open_grants = 1;
    busy.tasks_done = false;
    EXPECT_FALSE(Due(pending));
    EXPECT_FALSE(Due(granted));
    EXPECT_FALSE(Due(busy));
  }
}

TEST(Decide, RemovingEndsOnceAndIsNotDoneAgain) {
  RunFacts facts = Quiet(Phase::kRemoving);
  facts.may_remove = true;
  EXPECT_EQ(Due(facts), Event::kFinalize);
}

TEST(Decide, AFinalizingRunFinishes) {
  EXPECT_EQ(Due(In(Phase::kFinalizing)), Event::kFinish);
}

TEST(Decide, CancellingAndParkingWaitForOpenGrantsAndForNothingElse) {
  for (auto [phase, event] : {std::pair(Phase::kCancelling, Event::kStopped),
                              std::pair(Phase::kParking, Event::kParked)}) {
    RunFacts facts = In(phase);
    facts.open_grants = 1;
    EXPECT_FALSE(Due(facts));
    facts.open_grants = 0;
    facts.pending = 1000;
    EXPECT_EQ(Due(facts), event);
  }
}

TEST(Decide, ATerminalRunIsLeftAloneWhateverItsFactsSay) {
  RunFacts facts = In(Phase::kTerminal);
  facts.task_lost = true;
  facts.rejected = facts.settled = 1'000'000;
  facts.max_rejected = 0;
  facts.failure = TaskFailure{ErrorCode::kSOURCE_QUERY_FAILED, "no", false};
  EXPECT_FALSE(Due(facts));
}

TEST(Decide, LostWorkIsReadAnewAtOnceWhateverThePhase) {
  for (Phase phase : {Phase::kReading, Phase::kDelivering, Phase::kRemoving}) {
    RunFacts lost_task = In(phase), lost_batches = Quiet(phase);
    lost_task.task_lost = true;
    lost_batches.batches_lost = true;
    lost_batches.pending = 10;
    for (const RunFacts& facts : {lost_task, lost_batches}) {
      const auto decision = Decide(facts, kPolicy);
      ASSERT_TRUE(decision.has_value());
      EXPECT_EQ(decision->event, Event::kNewRead);
      EXPECT_EQ(decision->wait, 0ms) << "the first time it is nobody's fault";
    }
  }
}

TEST(Decide, ANewReadWaitsForOpenGrants) {
  RunFacts facts = In(Phase::kReading);
  facts.task_lost = true;
  facts.open_grants = 1;
  EXPECT_FALSE(Due(facts));
}

TEST(Decide, FruitlessReadsBackOffFromOneSecondToFiveMinutes) {
  milliseconds waits[] = {1s, 2s, 4s, 8s, 16s, 32s, 64s, 128s, 256s, 300s, 300s};
  for (int reads = 0; reads <= 10; ++reads) EXPECT_EQ(ReadBackoff(reads, kPolicy), waits[reads]);
  RunFacts facts = In(Phase::kReading);
  facts.failure = TaskFailure{ErrorCode::kSOURCE_UNREACHABLE, "refused", true};
  facts.fruitless_reads = 3;
  const auto decision = Decide(facts, kPolicy);
  ASSERT_TRUE(decision.has_value());
  EXPECT_EQ(decision->event, Event::kNewRead);
  EXPECT_EQ(decision->wait, 8s);
}

TEST(Decide, TheTenthFruitlessReadInARowFailsTheRun) {
  RunFacts facts = In(Phase::kReading);
  facts.task_lost = true;
  facts.fruitless_reads = 8;
  EXPECT_EQ(Due(facts), Event::kNewRead);
  facts.fruitless_reads = 9;
  const auto decision = Decide(facts, kPolicy);
  ASSERT_TRUE(decision.has_value());
  EXPECT_EQ(decision->event, Event::kStop);
  EXPECT_EQ(decision->error, ErrorCode::kREAD_RETRIES_EXHAUSTED);
  EXPECT_EQ(OwnerOf(*decision->error), Owner::kPenstock);
}

TEST(Decide, AFailureThatAnotherReadCannotMendStopsTheRunWithItsOwnWords) {
  RunFacts facts = In(Phase::kReading);
  facts.failure =
      TaskFailure{ErrorCode::kMODEL_COLUMN_MISSING, "the model has no column \"email\"", false};
  const auto decision = Decide(facts, kPolicy);
  ASSERT_TRUE(decision.has_value());
  EXPECT_EQ(decision->event, Event::kStop);
  EXPECT_EQ(decision->error, ErrorCode::kMODEL_COLUMN_MISSING);
  EXPECT_EQ(decision->message, "the model has no column \"email\"");
}

TEST(Decide, TheLastOfTenFailuresIsTheRunsError) {
  RunFacts facts = In(Phase::kReading);
  facts.failure = TaskFailure{ErrorCode::kSOURCE_UNREACHABLE, "connection refused", true};
  facts.fruitless_reads = 9;
  const auto decision = Decide(facts, kPolicy);
  ASSERT_TRUE(decision.has_value());
  EXPECT_EQ(decision->error, ErrorCode::kSOURCE_UNREACHABLE);
  EXPECT_NE(decision->message.find("connection refused"), std::string::npos);
}

RunFacts WithRejected(int64_t rejected, int64_t settled) {
  RunFacts facts = In(Phase::kDelivering);
  facts.settled = settled;
  facts.rejected = rejected;
  facts.max_rejected = 0.5;
  facts.max_rejected_min = 1000;
  return facts;
}

TEST(Decide, TooManyRejectedStopTheRunOnceEnoughWereSent) {
  EXPECT_FALSE(Due(WithRejected(1000, 1000))) << "only after more than 1,000";
  EXPECT_FALSE(Due(WithRejected(1000, 2000))) << "exactly half is allowed";
  for (Phase phase : {Phase::kReading, Phase::kDelivering, Phase::kRemoving}) {
    RunFacts facts = WithRejected(1001, 2000);
    facts.phase = phase;
    const auto decision = Decide(facts, kPolicy);
    ASSERT_TRUE(decision.has_value());
    EXPECT_EQ(decision->event, Event::kStop);
    EXPECT_EQ(decision->error, ErrorCode::kMAX_REJECTED_EXCEEDED);
    EXPECT_NE(decision->message.find("1001 of 2000"), std::string::npos) << decision->message;
  }
}

TEST(Decide, AStopDoesNotWaitForOpenGrants) {
  RunFacts facts = WithRejected(2000, 2000);
  facts.open_grants = 3;
  EXPECT_EQ(Due(facts), Event::kStop) << "it begins no more; CANCELLING waits for what is open";
}

RunFacts Parked(ParkedFor reason, milliseconds left) {
  RunFacts facts = In(Phase::kParked);
  facts.parked_for = reason;
  facts.park_left = left;
  facts.parked_since = 1h;
  return facts;
}

TEST(Decide, AParkedRunGoesOnWhenItsTimeIsUp) {
  EXPECT_FALSE(Due(Parked(ParkedFor::kQuota, 1ms)));
  EXPECT_EQ(Due(Parked(ParkedFor::kQuota, 0ms)), Event::kResume);
}

TEST(Decide, ADestinationThatWasDownIsTriedFirst) {
  EXPECT_FALSE(Due(Parked(ParkedFor::kDestinationDown, 1ms)));
  EXPECT_EQ(Due(Parked(ParkedFor::kDestinationDown, 0ms)), Event::kTestDestination);
}

TEST(Decide, WhatAPersonMustMendWaitsForThatPerson) {
  EXPECT_FALSE(Due(Parked(ParkedFor::kUser, 0ms)));
}

TEST(Decide, ARunParkedForTooLongIsGivenUpWhateverTheReason) {
  for (ParkedFor reason : {ParkedFor::kQuota, ParkedFor::kDestinationDown, ParkedFor::kUser}) {
    RunFacts facts = Parked(reason, 10min);
    facts.parked_since = facts.give_up_after;
    EXPECT_FALSE(Due(facts));
    facts.parked_since += 1ms;
    const auto decision = Decide(facts, kPolicy);
    ASSERT_TRUE(decision.has_value());
    EXPECT_EQ(decision->event, Event::kStop);
    EXPECT_EQ(decision->error, ErrorCode::kGAVE_UP);
  }
}

}  // namespace
}  // namespace penstock::planner
