#include "services/loader/domain/lane.h"

#include <gtest/gtest.h>

#include "services/loader/domain/deficit_round_robin.h"
#include "services/loader/domain/idempotency.h"

namespace penstock::loader {
namespace {

using namespace std::chrono_literals;

class ManualClock final : public Clock {
 public:
  BootTime Boot() const override { return now; }
  WallTime Wall() const override { return {}; }
  BootTime now{1h};
};

Answer Said(Verdict verdict, std::optional<Duration> retry_after = {}) {
  Answer answer;
  answer.verdict = verdict;
  answer.answered = verdict != Verdict::kFailed;
  answer.code = ErrorCode::kDESTINATION_UNAVAILABLE;
  answer.retry_after = retry_after;
  return answer;
}

class LaneTest : public ::testing::Test {
 protected:
  LaneTest() { options_.has_quota = false; }
  Lane& lane() {
    if (!lane_) lane_.emplace(options_, clock_, random_);
    return *lane_;
  }
  template <typename T>
  T Expect() {
    LaneStep step = lane().Next();
    EXPECT_TRUE(std::holds_alternative<T>(step)) << "step " << step.index();
    return std::holds_alternative<T>(step) ? std::get<T>(step) : T{};
  }
  void Add(JobId id) { lane().Add({id, 100, BootTime::max()}); }
  // Sends job `id` alone, whatever waits are needed, and ends it so.
  bool Attempt(JobId id, const Answer& answer) {
    for (int i = 0; i < 1000; ++i) {
      const LaneStep step = lane().Next();
      if (const auto* start = std::get_if<LaneStart>(&step)) {
        EXPECT_EQ(start->id, id);
        return lane().Finish(id, answer);
      }
      const auto* wait = std::get_if<LaneWait>(&step);
      if (wait == nullptr || !wait->until) break;
      clock_.now = *wait->until;
    }
    ADD_FAILURE() << "job " << id << " never started";
    return false;
  }

  ManualClock clock_;
  SeededRandom random_{5};
  LaneOptions options_;
  std::optional<Lane> lane_;
};

TEST_F(LaneTest, StartsWithOneAndOpensUp) {
  for (JobId id = 1; id <= 3; ++id) Add(id);
  EXPECT_EQ(Expect<LaneStart>().id, 1u);
  EXPECT_FALSE(Expect<LaneWait>().until) << "no room";
  for (JobId id = 1; id <= 40; ++id) {
    clock_.now += 100ms;
    EXPECT_FALSE(lane().Finish(id, Said(Verdict::kRecords)));
    lane().Remove(id);
    Add(id + 3);
    while (std::holds_alternative<LaneStart>(lane().Next())) {
    }
  }
  EXPECT_GT(lane().limit(), 1u);
  EXPECT_EQ(lane().in_flight(), std::min(lane().limit(), 3u));
}

TEST_F(LaneTest, AWaitingRetryHoldsNothing) {
  Add(1);
  Add(2);
  Expect<LaneStart>();
  lane().Finish(1, Said(Verdict::kFailed));
  lane().Retry(1, 100);
  EXPECT_EQ(lane().in_flight(), 0u);
  EXPECT_EQ(lane().active_retries(), 0u);
  EXPECT_EQ(Expect<LaneStart>().id, 2u);
}

TEST_F(LaneTest, RetryAfterPausesTheWholeLane) {
  Add(1);
  Add(2);
  Attempt(1, Said(Verdict::kRateLimited, 10s));
  lane().Retry(1, 100);
  const auto until = Expect<LaneWait>().until;
  ASSERT_TRUE(until);
  EXPECT_GE(*until, clock_.now + 10s);
  EXPECT_LT(*until, clock_.now + 15s);
  clock_.now = *until;
  Expect<LaneStart>();
}

TEST_F(LaneTest, SaysWhatHoldsItBack) {
  EXPECT_FALSE(lane().held_by()) << "nothing waits";
  Add(1);
  Add(2);
  Expect<LaneStart>();
  EXPECT_EQ(lane().held_by(), HeldBy::kConcurrency);
  lane().Finish(1, Said(Verdict::kRateLimited, 10s));
  EXPECT_EQ(lane().held_by(), HeldBy::kDestination);
  clock_.now += 15s;
  EXPECT_FALSE(lane().held_by()) << "it may start";
}

TEST_F(LaneTest, SaysThatAQuotaHoldsItBack) {
  options_.has_quota = true;
  Add(1);
  Expect<LaneTakeQuota>();
  lane().QuotaRefused(clock_.now + 3s);
  EXPECT_EQ(lane().held_by(), HeldBy::kQuota);
  clock_.now += 4s;
  EXPECT_FALSE(lane().held_by());
}

TEST_F(LaneTest, ALongRetryAfterParks) {
  Add(1);
  Attempt(1, Said(Verdict::kRateLimited, 301s));
  const auto park = Expect<LanePark>();
  EXPECT_EQ(park.reason, ParkReason::kQuota);
  ASSERT_TRUE(park.wait);
  EXPECT_GE(*park.wait, 301s);
  lane().Retry(1, 100);
  EXPECT_FALSE(Expect<LaneWait>().until) << "told once, then quiet";
  lane().Resume();
  clock_.now += 1min;
  Expect<LaneStart>();
}

TEST_F(LaneTest, ADestinationThatIsDownForFiveMinutesParksAndBlamesNobody) {
  Add(1);
  const BootTime start = clock_.now;
  while (!lane().parked()) {
    EXPECT_FALSE(Attempt(1, Said(Verdict::kFailed)));
    lane().Retry(1, 100);
    ASSERT_LT(clock_.now - start, 15min);
  }
  EXPECT_GE(clock_.now - start, 5min);
  const auto park = Expect<LanePark>();
  EXPECT_EQ(park.reason, ParkReason::kDestinationDown);
  EXPECT_TRUE(park.wait);
}

TEST_F(LaneTest, AFailureCountsWhenOthersPassed) {
  Add(1);
  EXPECT_FALSE(Attempt(1, Said(Verdict::kFailed)));
  Add(2);
  EXPECT_FALSE(Attempt(2, Said(Verdict::kRecords)));
  lane().Remove(2);
  lane().Retry(1, 100);
  EXPECT_TRUE(Attempt(1, Said(Verdict::kFailed)));
  lane().Retry(1, 100);
  EXPECT_FALSE(Attempt(1, Said(Verdict::kFailed))) << "nobody passed since";
}

TEST_F(LaneTest, TheBreakerStopsStartsAndProbes) {
  options_.concurrency.initial_limit = 20;
  for (JobId id = 1; id <= 10; ++id) Add(id);
  for (JobId id = 1; id <= 5; ++id) {
    Expect<LaneStart>();
    lane().Finish(id, Said(Verdict::kFailed));
  }
  const auto until = Expect<LaneWait>().until;
  ASSERT_TRUE(until);
  EXPECT_EQ(*until, clock_.now + 1s);
  clock_.now = *until;
  EXPECT_EQ(Expect<LaneStart>().id, 6u);
  EXPECT_FALSE(Expect<LaneWait>().until) << "one probe only";
  lane().Finish(6, Said(Verdict::kRecords));
  Expect<LaneStart>();
}

TEST_F(LaneTest, CredentialsAreRefreshedOnceThenAPersonMustAct) {
  Add(1);
  Attempt(1, Said(Verdict::kUnauthenticated));
  lane().Retry(1, 100);
  Expect<LaneRefreshCredentials>();
  EXPECT_FALSE(Expect<LaneWait>().until);
  lane().CredentialsRefreshed();
  Attempt(1, Said(Verdict::kUnauthenticated));
  const auto park = Expect<LanePark>();
  EXPECT_EQ(park.reason, ParkReason::kUserMustFix);
  EXPECT_FALSE(park.wait);
}

TEST_F(LaneTest, ASecondRotationIsRefreshedToo) {
  Add(1);
  for (int i = 0; i < 3; ++i) {
    Attempt(1, Said(Verdict::kUnauthenticated));
    lane().Retry(1, 100);
    Expect<LaneRefreshCredentials>();
    lane().CredentialsRefreshed();
    Attempt(1, Said(Verdict::kRecords));
    lane().Retry(1, 100);
  }
  EXPECT_FALSE(lane().parked());
}

TEST_F(LaneTest, PaysQuotaPerAttempt) {
  options_.has_quota = true;
  options_.concurrency.initial_limit = 10;
  for (JobId id = 1; id <= 3; ++id) Add(id);
  EXPECT_EQ(Expect<LaneTakeQuota>().attempts, 3u);
  EXPECT_FALSE(Expect<LaneWait>().until) << "asked once";
  lane().QuotaTaken(2, clock_.now + 1s);
  Expect<LaneStart>();
  Expect<LaneStart>();
  Expect<LaneTakeQuota>();
  lane().QuotaRefused(clock_.now + 3s);
  EXPECT_EQ(Expect<LaneWait>().until, clock_.now + 3s);
  clock_.now += 3s;
  Expect<LaneTakeQuota>();
  lane().QuotaTaken(5, clock_.now + 1s);
  clock_.now += 2s;
  Expect<LaneTakeQuota>();
}

TEST_F(LaneTest, AQuotaThatIsUsedUpForLongParks) {
  options_.has_quota = true;
  Add(1);
  Expect<LaneTakeQuota>();
  lane().QuotaExhausted(2h, "quota daily is used up");
  const auto park = Expect<LanePark>();
  EXPECT_EQ(park.reason, ParkReason::kQuota);
  EXPECT_EQ(park.wait, 2h);
  EXPECT_EQ(park.code, ErrorCode::kDESTINATION_RATE_LIMITED);
  lane().Resume();
  Expect<LaneTakeQuota>();
}

TEST_F(LaneTest, AnAbandonedAttemptComesFirstAgain) {
  Add(1);
  Add(2);
  EXPECT_EQ(Expect<LaneStart>().id, 1u);
  lane().Abandon(1);
  EXPECT_EQ(lane().in_flight(), 0u);
  EXPECT_EQ(Expect<LaneStart>().id, 1u);
}

TEST_F(LaneTest, GivesUpWhenTheTimeIsOver) {
  lane().Add({1, 10, clock_.now + 1s});
  clock_.now += 2s;
  EXPECT_EQ(Expect<LaneExpired>().id, 1u);
  EXPECT_FALSE(Expect<LaneWait>().until);
  EXPECT_EQ(lane().waiting(), 0u);
}

TEST_F(LaneTest, RetriesStayAPartOfTheTraffic) {
  options_.concurrency.initial_limit = 100;
  options_.breaker.consecutive = 1000;
  options_.breaker.part_minimum = 1000;
  for (JobId id = 1; id <= 10; ++id) Add(id);
  for (JobId id = 1; id <= 10; ++id) Expect<LaneStart>();
  for (JobId id = 1; id <= 10; ++id) {
    lane().Finish(id, Said(Verdict::kFailed));
    lane().Retry(id, 100);
  }
  clock_.now += 1min;
  for (int i = 0; i < 3; ++i) Expect<LaneStart>();
  EXPECT_FALSE(Expect<LaneWait>().until);
  EXPECT_EQ(lane().active_retries(), 3u);
  EXPECT_GT(lane().retry_overflows(), 0u);
}

TEST(DeficitRoundRobin, AHugeSyncStarvesNoSmallOne) {
  DeficitRoundRobin order(1000);
  order.Add("huge");
  order.Add("small");
  int64_t huge = 0, small = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string queue = *order.Next();
    const int64_t cost = queue == "huge" ? 50'000 : 100;
    (queue == "huge" ? huge : small) += cost;
    order.Charge(queue, cost);
  }
  EXPECT_NEAR(static_cast<double>(huge) / static_cast<double>(small), 1.0, 0.6);
  order.Remove("huge");
  EXPECT_EQ(order.Next(), "small");
  order.Remove("small");
  EXPECT_EQ(order.Next(), std::nullopt);
}

TEST(Idempotency, TellsApartAllThatMakesAnotherRequest) {
  const Intent intent{{1, 2}, 3, 4, 0, {}};
  Intent other = intent;
  other.row = 9;
  const std::string key = IdempotencyKey("s", 1, Operation::kUpsert, intent);
  EXPECT_EQ(key.size(), 32u);
  EXPECT_EQ(key, IdempotencyKey("s", 1, Operation::kUpsert, intent));
  EXPECT_NE(key, IdempotencyKey("t", 1, Operation::kUpsert, intent));
  EXPECT_NE(key, IdempotencyKey("s", 2, Operation::kUpsert, intent));
  EXPECT_NE(key, IdempotencyKey("s", 1, Operation::kRemove, intent));
  EXPECT_NE(key, IdempotencyKey("s", 1, Operation::kUpsert, other));
  const std::vector<std::string> keys = {key}, swapped = {"b", "a"}, straight = {"a", "b"};
  EXPECT_NE(RequestIdempotencyKey(swapped), RequestIdempotencyKey(straight));
}

}  // namespace
}  // namespace penstock::loader
