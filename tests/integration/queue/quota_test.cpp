#include "services/common/queue/quota.h"

#include <algorithm>
#include <thread>

#include "services/common/testing/wait_for.h"
#include "tests/integration/queue/queue_fixture.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using Windows = std::vector<QuotaWindow>;
using SteadyTime = std::chrono::steady_clock::time_point;

class QuotaTest : public QueueFixture {
 protected:
  std::string Stored(const std::string& window) {
    return server_.Command({"GET", "test:quota:acme:" + window}).text;
  }
};

TEST_F(QuotaTest, ABlockIsASecondsWorthAtMostHalfOfTheQuota) {
  EXPECT_EQ(QuotaBlock({"burst", 190, 10s}), 19);
  EXPECT_EQ(QuotaBlock({"burst", 100, 1s}), 50);
  EXPECT_EQ(QuotaBlock({"burst", 10, 1min}), 1);
  EXPECT_EQ(QuotaBlock({"burst", 1, 1s}), 1);
}

TEST_F(QuotaTest, WithoutWindowsNothingIsLimited) {
  QuotaClient quota(Connect(), "test");
  const QuotaLease lease = Get(quota.Lease("acme", {}, 7));
  EXPECT_EQ(lease.tokens, 7);
  EXPECT_EQ(lease.wait, 0ms);
}

TEST_F(QuotaTest, FirstABlockThenAWaitUntilTheNextToken) {
  QuotaClient quota(Connect(), "test");
  const Windows windows = {{"burst", 60, 1min}};
  EXPECT_EQ(Get(quota.Lease("acme", windows, 100)).tokens, 1);
  const QuotaLease none = Get(quota.Lease("acme", windows, 100));
  EXPECT_EQ(none.tokens, 0);
  EXPECT_GT(none.wait, 0ms);
  EXPECT_LE(none.wait, 1018ms) << "59 tokens gain over the minute";
  EXPECT_EQ(Get(quota.Lease("other", windows, 1)).tokens, 1) << "another account has its own";
}

// Two loaders that take what they can: in no window of `per` do they get more than the quota, and
// over many windows they get nearly all of it.
TEST_F(QuotaTest, NoWindowEverHoldsMoreThanTheQuotaOverAllLoaders) {
  constexpr int64_t kRequests = 40;
  constexpr auto kPer = 400ms;
  struct Grant {
    SteadyTime asked, got;
    int64_t tokens;
  };
  const auto greedy = [&](RedisClient& redis, std::vector<Grant>& grants, SteadyTime end) {
    QuotaClient quota(redis, "test");
    while (std::chrono::steady_clock::now() < end) {
      const SteadyTime asked = std::chrono::steady_clock::now();
      const QuotaLease lease = Get(quota.Lease("acme", {{"burst", kRequests, kPer}}, 1000));
      if (lease.tokens > 0) {
        grants.push_back({asked, std::chrono::steady_clock::now(), lease.tokens});
      } else {
        std::this_thread::sleep_for(std::min<std::chrono::milliseconds>(lease.wait, 50ms));
      }
    }
  };
  RedisClient &one = Connect(), &two = Connect();
  std::vector<Grant> grants, others;
  const SteadyTime begin = std::chrono::steady_clock::now(), end = begin + 5 * kPer;
  std::thread other([&] { greedy(two, others, end); });
  greedy(one, grants, end);
  other.join();
  grants.insert(grants.end(), others.begin(), others.end());
  std::sort(grants.begin(), grants.end(),
            [](const Grant& a, const Grant& b) { return a.asked < b.asked; });
  int64_t all = 0;
  for (size_t i = 0; i < grants.size(); ++i) {
    all += grants[i].tokens;
    int64_t in_window = 0;
    for (size_t j = i; j < grants.size(); ++j) {
      if (grants[j].got - grants[i].asked < kPer) in_window += grants[j].tokens;
    }
    EXPECT_LE(in_window, kRequests) << "after grant " << i;
  }
  EXPECT_GE(all, kRequests) << "in five windows";
}

TEST_F(QuotaTest, AllWindowsOrNone) {
  QuotaClient quota(Connect(), "test");
  const Windows windows = {{"burst", 100, 1s}, {"minute", 2, 1min}};
  EXPECT_EQ(Get(quota.Lease("acme", windows, 100)).tokens, 1) << "the narrowest one decides";
  const std::string burst = Stored("burst"), minute = Stored("minute");
  EXPECT_EQ(Get(quota.Lease("acme", windows, 1)).tokens, 0);
  EXPECT_EQ(Stored("burst"), burst) << "nothing was taken from the window that had some";
  EXPECT_EQ(Stored("minute"), minute);
}

TEST_F(QuotaTest, APauseHoldsForAllLoadersAndNoLongerThanTheWindow) {
  QuotaClient quota(Connect(), "test"), other(Connect(), "test");
  const Windows windows = {{"burst", 100, 30s}};
  Do(quota.Pause("acme", windows, 10s));
  const QuotaLease paused = Get(other.Lease("acme", windows, 1));
  EXPECT_EQ(paused.tokens, 0);
  EXPECT_GT(paused.wait, 9s);
  EXPECT_LE(paused.wait, 11s);
  Do(quota.Pause("acme", windows, 1h));
  EXPECT_LE(Get(other.Lease("acme", windows, 1)).wait, 31s);
  Do(quota.Pause("acme", windows, 1ms));
  EXPECT_GT(Get(other.Lease("acme", windows, 1)).wait, 9s) << "a shorter one shortens nothing";
}

TEST_F(QuotaTest, AClockThatWasSetBackClosesAQuotaForItsWindowAtMost) {
  QuotaClient quota(Connect(), "test");
  server_.Command({"SET", "test:quota:acme:burst", "9000000000000000"});
  const QuotaLease lease = Get(quota.Lease("acme", {{"burst", 10, 2s}}, 1));
  EXPECT_EQ(lease.tokens, 0);
  EXPECT_LE(lease.wait, 2s);
}

TEST_F(QuotaTest, SlotsAreHeldByAllLoadersTogether) {
  QuotaClient quota(Connect(), "test"), other(Connect(), "test");
  const std::vector<QuotaSlots> two = {{"at-once", 2}};
  EXPECT_TRUE(Get(quota.TakeSlots("acme", two, "a/1", 1min)));
  EXPECT_TRUE(Get(other.TakeSlots("acme", two, "b/1", 1min)));
  EXPECT_FALSE(Get(quota.TakeSlots("acme", two, "a/2", 1min)));
  EXPECT_TRUE(Get(quota.TakeSlots("acme", two, "a/1", 1min))) << "an answer was lost";
  EXPECT_TRUE(Get(quota.TakeSlots("globex", two, "a/3", 1min))) << "another account has its own";
  Do(other.ReturnSlots("acme", two, "b/1"));
  EXPECT_TRUE(Get(quota.TakeSlots("acme", two, "a/2", 1min)));
}

TEST_F(QuotaTest, SlotsAreTakenOfEveryNameOrNone) {
  QuotaClient quota(Connect(), "test");
  EXPECT_TRUE(Get(quota.TakeSlots("acme", {{"narrow", 1}}, "a", 1min)));
  EXPECT_FALSE(Get(quota.TakeSlots("acme", {{"wide", 1}, {"narrow", 1}}, "b", 1min)));
  EXPECT_TRUE(Get(quota.TakeSlots("acme", {{"wide", 1}}, "c", 1min)));
}

TEST_F(QuotaTest, SlotsOfALoaderThatDiedComeBack) {
  QuotaClient quota(Connect(), "test");
  const std::vector<QuotaSlots> one = {{"at-once", 1}};
  EXPECT_TRUE(Get(quota.TakeSlots("acme", one, "dead", 50ms)));
  EXPECT_FALSE(Get(quota.TakeSlots("acme", one, "alive", 1min)));
  EXPECT_TRUE(testing::WaitFor([&] { return Get(quota.TakeSlots("acme", one, "alive", 1min)); }));
}

TEST_F(QuotaTest, ALostRedisCostsAtMostABlock) {
  QuotaClient quota(Connect(), "test");
  const Windows windows = {{"burst", 60, 1min}};
  EXPECT_EQ(Get(quota.Lease("acme", windows, 100)).tokens, 1);
  server_.Flush();
  EXPECT_EQ(Get(quota.Lease("acme", windows, 100)).tokens, 1);
  EXPECT_EQ(Get(quota.Lease("acme", windows, 100)).tokens, 0);
}

}  // namespace
}  // namespace penstock
