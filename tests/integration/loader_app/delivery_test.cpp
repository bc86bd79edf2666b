#include <atomic>

#include "services/common/testing/wait_for.h"
#include "tests/integration/loader_app/loader_fixture.h"

namespace penstock::loader {
namespace {

using test::TestServer;
using ::testing::ElementsAre;
using ::testing::SizeIs;

TEST_F(LoaderTest, DeliversABatch) {
  TestServer server([](const SeenRequest&) { return Respond(200, "{}"); });
  Declare("a", server.url());
  const auto loader = StartLoader();
  const Sent sent = Push("a", {1, 2, 3});
  EXPECT_EQ(Settled(sent).delivered(), 3);
  ASSERT_THAT(server.seen(), SizeIs(1));
  EXPECT_THAT(IdsOf(server.seen()[0]), ElementsAre(1, 2, 3));
  EXPECT_TRUE(testing::WaitFor([&] { return Drained(sent.stream); }));
  // Every attempt was answered: the grant is closed.
  EXPECT_EQ(Facts(sent.run).open_grants(), 0);
  loader->Signal(SIGTERM);
  EXPECT_EQ(loader->Wait(), 0);
}

TEST_F(LoaderTest, WaitsAsLongAsTheDestinationAsks) {
  std::atomic<int> asked = 0;
  std::chrono::steady_clock::time_point first, second;
  TestServer server([&](const SeenRequest&) {
    if (asked++ == 0) {
      first = std::chrono::steady_clock::now();
      return Respond(429, "{}", "Retry-After: 1\r\n");
    }
    second = std::chrono::steady_clock::now();
    return Respond(200, "{}");
  });
  Declare("a", server.url());
  const auto loader = StartLoader();
  EXPECT_EQ(Settled(Push("a", {1, 2})).delivered(), 2);
  EXPECT_EQ(asked, 2);
  EXPECT_GE(second - first, std::chrono::seconds(1));
}

TEST_F(LoaderTest, SendsAgainAfterAServerError) {
  std::atomic<int> asked = 0;
  TestServer server(
      [&](const SeenRequest&) { return asked++ == 0 ? Respond(500, "{}") : Respond(200, "{}"); });
  Declare("a", server.url());
  const auto loader = StartLoader();
  EXPECT_EQ(Settled(Push("a", {1, 2})).delivered(), 2);
  EXPECT_EQ(asked, 2);
}

TEST_F(LoaderTest, KeepsTheGrantOpenWhenAnAttemptWentUnanswered) {
  std::atomic<int> asked = 0;
  TestServer server([&](const SeenRequest&) {
    TestAnswer answer = Respond(200, "{}");
    if (asked++ == 0) answer.delay = std::chrono::seconds(2);
    return answer;
  });
  Declare("a", server.url());
  const auto loader = StartLoader();
  const Sent sent = Push("a", {1, 2});
  EXPECT_EQ(Settled(sent).delivered(), 2);
  EXPECT_EQ(Facts(sent.run).open_grants(), 1);
  EXPECT_TRUE(testing::WaitFor([&] { return Facts(sent.run).open_grants() == 0; }));
}

TEST_F(LoaderTest, HalvesARefusedBatchDownToTheRecordAtFault) {
  TestServer server([](const SeenRequest& request) {
    for (const int id : IdsOf(request)) {
      if (id == 5) return Respond(400, R"({"message":"no such plan"})");
    }
    return Respond(200, "{}");
  });
  Declare("a", server.url());
  const auto loader = StartLoader();
  const Sent sent = Push("a", {1, 2, 3, 4, 5, 6, 7, 8});
  const v1::OperationCounts counts = Settled(sent);
  EXPECT_EQ(counts.delivered(), 7);
  EXPECT_EQ(counts.rejected(), 1);
  std::map<int, int> taken;
  for (const SeenRequest& request : server.seen()) {
    const std::vector<int> ids = IdsOf(request);
    if (std::find(ids.begin(), ids.end(), 5) != ids.end()) continue;
    for (const int id : ids) ++taken[id];
  }
  for (const auto& [id, times] : taken) EXPECT_EQ(times, 1) << id;
  EXPECT_THAT(taken, SizeIs(7));
  pb::ListRejectedRecordsRequest list;
  list.set_run_id(sent.run);
  list.set_page_size(10);
  grpc::ClientContext context;
  pb::ListRejectedRecordsResponse rejected;
  ASSERT_TRUE(planning_->ListRejectedRecords(&context, list, &rejected).ok());
  ASSERT_EQ(rejected.records_size(), 1);
  EXPECT_EQ(rejected.records(0).primary_key(), "{\"id\":5}");
  EXPECT_THAT(rejected.records(0).message(), ::testing::HasSubstr("no such plan"));
}

TEST_F(LoaderTest, TakesEachRecordsOwnResult) {
  TestServer server([](const SeenRequest&) {
    return Respond(207,
                   R"({"taken":[{"i":"0"},{"i":"2"}],"errors":[{"i":"1","message":"too old"}]})");
  });
  Declare("a", server.url(), Confirms::kRecord);
  const auto loader = StartLoader();
  const v1::OperationCounts counts = Settled(Push("a", {1, 2, 3}));
  EXPECT_EQ(counts.delivered(), 2);
  EXPECT_EQ(counts.rejected(), 1);
  EXPECT_THAT(server.seen(), SizeIs(1));
}

TEST_F(LoaderTest, ADeadDestinationHoldsUpNoOther) {
  TestServer dead([](const SeenRequest&) {
    TestAnswer answer = Respond(200, "{}");
    answer.delay = std::chrono::seconds(30);
    return answer;
  });
  TestServer well([](const SeenRequest&) { return Respond(200, "{}"); });
  Declare("a", dead.url());
  Declare("b", well.url());
  const auto loader = StartLoader();
  const Sent stuck = Push("a", {1, 2});
  ASSERT_TRUE(testing::WaitFor([&] { return dead.seen().size() >= 2; }));
  EXPECT_EQ(Settled(Push("b", {1, 2})).delivered(), 2);
  EXPECT_EQ(Counts(stuck).delivered(), 0);
}

}  // namespace
}  // namespace penstock::loader
