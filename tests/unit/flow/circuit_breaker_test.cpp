#include "services/common/flow/circuit_breaker.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

using namespace std::chrono_literals;

class CircuitBreakerTest : public ::testing::Test {
 protected:
  void Fail(int times = 1) {
    for (int i = 0; i < times; ++i) breaker_.TryPass(now_)->Failed(now_);
  }
  void Succeed(int times = 1) {
    for (int i = 0; i < times; ++i) breaker_.TryPass(now_)->Succeeded(now_);
  }
  BootTime now_{1h};
  CircuitBreaker breaker_;
};

TEST_F(CircuitBreakerTest, OpensAfterFiveFailuresInARow) {
  Fail(4);
  Succeed();
  Fail(4);
  EXPECT_TRUE(breaker_.WouldPass(now_));
  Fail();
  EXPECT_FALSE(breaker_.TryPass(now_));
  EXPECT_EQ(breaker_.state(now_), CircuitBreaker::State::kOpen);
}

TEST_F(CircuitBreakerTest, OpensWhenNearlyAllOfManyFail) {
  for (int i = 0; i < 7; ++i) {
    Fail(4);
    Succeed();
  }
  EXPECT_TRUE(breaker_.WouldPass(now_)) << "80 % of 35";
  CircuitBreakerOptions options;
  options.consecutive = 1000;
  CircuitBreaker many(options);
  for (int i = 0; i < 7; ++i) many.TryPass(now_)->Succeeded(now_);
  for (int i = 0; i < 39; ++i) many.TryPass(now_)->Failed(now_);
  EXPECT_TRUE(many.WouldPass(now_)) << "39 of 46";
  for (int i = 0; i < 4; ++i) many.TryPass(now_)->Failed(now_);
  EXPECT_FALSE(many.WouldPass(now_)) << "43 of 50";
}

TEST_F(CircuitBreakerTest, LetsOneProbeThroughAndDoublesWhenItFails) {
  Fail(5);
  for (auto open : {1s, 2s, 4s, 8s}) {
    now_ += open - 1ms;
    EXPECT_FALSE(breaker_.TryPass(now_)) << open.count();
    now_ += 1ms;
    auto probe = breaker_.TryPass(now_);
    ASSERT_TRUE(probe) << open.count();
    EXPECT_FALSE(breaker_.TryPass(now_)) << "a second probe";
    probe->Failed(now_);
  }
  now_ += 16s;
  Succeed();
  EXPECT_EQ(breaker_.state(now_), CircuitBreaker::State::kClosed);
  Fail(5);
  now_ += 1s;
  EXPECT_TRUE(breaker_.TryPass(now_)) << "starts again at one second";
}

TEST_F(CircuitBreakerTest, AProbeThatNeverRanLetsTheNextOneThrough) {
  Fail(5);
  now_ += 1s;
  {
    auto probe = breaker_.TryPass(now_);
  }
  EXPECT_TRUE(breaker_.TryPass(now_));
}

TEST_F(CircuitBreakerTest, AnOldSuccessDoesNotCloseIt) {
  auto old = breaker_.TryPass(now_);
  Fail(5);
  old->Succeeded(now_);
  EXPECT_FALSE(breaker_.TryPass(now_));
}

}  // namespace
}  // namespace penstock
