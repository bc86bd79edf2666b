#include <csignal>
#include <fstream>

#include "services/common/testing/wait_for.h"
#include "tests/integration/loader_app/loader_fixture.h"

namespace penstock::loader {
namespace {

using test::TestServer;
using ::testing::SizeIs;

bool IsStopped(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string word, name, state;
  stat >> word >> name >> state;
  return state == "T";
}

class LoaderCrashTest : public LoaderTest {};

TEST_F(LoaderCrashTest, AnotherLoaderSendsWhatAKilledOneDidNotReport) {
  TestServer server([](const SeenRequest&) { return Respond(200, "{}"); });
  Declare("a", server.url());
  const auto killed = StartLoader({}, {"PENSTOCK_TESTPOINT=loader.sent_before_report"});
  const Sent sent = Push("a", {1, 2});
  EXPECT_EQ(killed->Wait(), 128 + SIGKILL);
  EXPECT_EQ(Counts(sent).delivered(), 0);
  const auto other = StartLoader();
  EXPECT_EQ(Settled(sent).delivered(), 2);
  EXPECT_THAT(server.seen(), SizeIs(2));
}

TEST_F(LoaderCrashTest, AReportedBatchIsNotSentAgain) {
  TestServer server([](const SeenRequest&) { return Respond(200, "{}"); });
  Declare("a", server.url());
  const auto killed = StartLoader({}, {"PENSTOCK_TESTPOINT=loader.reported_before_settle"});
  const Sent sent = Push("a", {1, 2});
  EXPECT_EQ(killed->Wait(), 128 + SIGKILL);
  EXPECT_EQ(Settled(sent).delivered(), 2);
  const auto other = StartLoader();
  EXPECT_TRUE(testing::WaitFor([&] { return Drained(sent.stream); }));
  EXPECT_THAT(server.seen(), SizeIs(1));
}

TEST_F(LoaderCrashTest, ALoaderStoppedBeyondItsGrantSendsNothingMoreUnderIt) {
  TestServer server([](const SeenRequest&) { return Respond(200, "{}"); });
  Declare("a", server.url());
  const auto stopped = StartLoader({}, {"PENSTOCK_TESTPOINT=loader.granted:1:stop"});
  const Sent sent = Push("a", {1, 2});
  ASSERT_TRUE(testing::WaitFor([&] { return IsStopped(stopped->pid()); }));
  const auto other = StartLoader();
  EXPECT_EQ(Settled(sent).delivered(), 2);
  ASSERT_THAT(server.seen(), SizeIs(1));
  stopped->Signal(SIGCONT);
  stopped->Signal(SIGTERM);
  EXPECT_EQ(stopped->Wait(), 0);
  EXPECT_THAT(server.seen(), SizeIs(1));
}

TEST_F(LoaderCrashTest, OnceBegunABatchSentAtMostOnceIsNotSentAgain) {
  TestServer server([](const SeenRequest&) { return Respond(200, "{}"); });
  Declare("a", server.url(), Confirms::kBatch, Guarantee::kAtMostOnce);
  const auto killed = StartLoader({}, {"PENSTOCK_TESTPOINT=loader.sent_before_report"});
  const Sent sent = Push("a", {1, 2});
  EXPECT_EQ(killed->Wait(), 128 + SIGKILL);
  const auto other = StartLoader();
  EXPECT_EQ(Settled(sent).in_doubt(), 2);
  EXPECT_THAT(server.seen(), SizeIs(1));
}

TEST_F(LoaderCrashTest, ARecordThatEndsEveryLoaderIsFoundAndRefused) {
  TestServer server([](const SeenRequest&) { return Respond(200, "{}"); });
  Declare("a", server.url());
  std::unique_ptr<testing::ChildProcess> loader;
  const Sent sent = Push("a", {2});
  for (int lost = 0; lost < 5; ++lost) {
    loader = StartLoader({}, {"PENSTOCK_TESTPOINT=loader.sent_before_report"});
    ASSERT_EQ(loader->Wait(), 128 + SIGKILL) << lost;
  }
  loader = StartLoader();
  const v1::OperationCounts counts = Settled(sent);
  EXPECT_EQ(counts.rejected(), 1);
  EXPECT_THAT(server.seen(), SizeIs(5));
}

}  // namespace
}  // namespace penstock::loader
