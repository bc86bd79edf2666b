#include <atomic>

#include "services/common/testing/wait_for.h"
#include "tests/integration/loader_app/loader_fixture.h"

namespace penstock::loader {
namespace {

using test::TestServer;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// No planner runs here: a run that was told to park stays at PARKING.
class LoaderParkTest : public LoaderTest {
 protected:
  pb::RunFacts Parked(const Sent& sent) {
    EXPECT_TRUE(
        testing::WaitFor([&] { return Facts(sent.run).state() == pb::RUN_MACHINE_STATE_PARKING; }));
    return Facts(sent.run);
  }
};

TEST_F(LoaderParkTest, ParksForTheUserAfterCredentialsAreRefusedTwice) {
  TestServer server([](const SeenRequest&) { return Respond(401, "{}"); });
  Declare("a", server.url());
  const auto loader = StartLoader();
  const Sent sent = Push("a", {1, 2});
  const pb::RunFacts facts = Parked(sent);
  EXPECT_EQ(facts.park_reason(), pb::PARK_REASON_USER);
  EXPECT_EQ(facts.run().error().code(), "DESTINATION_UNAUTHENTICATED");
  EXPECT_THAT(server.seen(), SizeIs(2));
  // Nothing was applied, so nothing is held.
  EXPECT_TRUE(testing::WaitFor([&] { return Facts(sent.run).open_grants() == 0; }));
}

TEST_F(LoaderParkTest, UsesARotatedSecretAfterOneRefusal) {
  testing::WriteFile(dir_ / "token", "old\n");
  TestServer server([&](const SeenRequest& request) {
    if (request.headers.at("authorization") == "Bearer new") return Respond(200, "{}");
    testing::WriteFile(dir_ / "token", "new\n");
    return Respond(401, "{}");
  });
  Destination destination = MakeDestination("a", server.url());
  destination.config["auth.type"] = "bearer";
  destination.config["auth.token"] = "${secret:token}";
  Declare(destination, MakeSync("a"));
  const auto loader =
      StartLoader({"--secrets-dir=" + dir_.path().string(), "--connection-refresh=1h"});
  EXPECT_EQ(Settled(Push("a", {1, 2})).delivered(), 2);
  EXPECT_THAT(server.seen(), SizeIs(2));
}

TEST_F(LoaderParkTest, ParksForTheUserWhenASecretIsMissing) {
  Destination destination = MakeDestination("a", "http://127.0.0.1:1");
  destination.config["auth.type"] = "bearer";
  destination.config["auth.token"] = "${secret:no_such_token}";
  Declare(destination, MakeSync("a"));
  const auto loader = StartLoader({"--secrets-dir=" + dir_.path().string()});
  const pb::RunFacts facts = Parked(Push("a", {1}));
  EXPECT_EQ(facts.park_reason(), pb::PARK_REASON_USER);
  EXPECT_THAT(facts.run().error().message(), HasSubstr("no_such_token"));
}

TEST_F(LoaderParkTest, ParksWhenTheDestinationAsksToWaitLong) {
  TestServer server([](const SeenRequest&) { return Respond(429, "{}", "Retry-After: 3600\r\n"); });
  Declare("a", server.url());
  const auto loader = StartLoader();
  const pb::RunFacts facts = Parked(Push("a", {1, 2}));
  EXPECT_EQ(facts.park_reason(), pb::PARK_REASON_QUOTA);
  EXPECT_GE(facts.park_left_ms(), 3'500'000);
  EXPECT_THAT(server.seen(), SizeIs(1));
}

TEST_F(LoaderParkTest, ParksADestinationThatIsDown) {
  Declare("a", "http://127.0.0.1:1");
  const auto loader = StartLoader({"--park-after-failing=500ms"});
  const Sent sent = Push("a", {1, 2});
  EXPECT_EQ(Parked(sent).park_reason(), pb::PARK_REASON_DESTINATION_DOWN);
  EXPECT_EQ(Counts(sent).rejected(), 0);
}

TEST_F(LoaderParkTest, ATerminatedLoaderEndsItsAttemptAndPutsTheRestBack) {
  std::atomic<bool> asked = false;
  TestServer server([&](const SeenRequest&) {
    asked = true;
    TestAnswer answer = Respond(429, "{}", "Retry-After: 100\r\n");
    answer.delay = std::chrono::milliseconds(200);
    return answer;
  });
  Declare("a", server.url());
  const auto loader = StartLoader();
  const Sent sent = Push("a", {1, 2});
  ASSERT_TRUE(testing::WaitFor([&] { return asked.load(); }));
  loader->Signal(SIGTERM);
  EXPECT_EQ(loader->Wait(), 0);
  EXPECT_EQ(Facts(sent.run).open_grants(), 0);
  EXPECT_FALSE(Drained(sent.stream));
}

TEST_F(LoaderParkTest, SendsNoMoreThanTheQuota) {
  std::atomic<int> asked = 0;
  TestServer server([&](const SeenRequest&) {
    ++asked;
    return Respond(500, "{}");
  });
  Destination destination = MakeDestination("a", server.url());
  destination.quotas["burst"] = {.requests = 4, .per = std::chrono::hours(1)};
  Declare(destination, MakeSync("a"));
  const auto loader = StartLoader();
  const Sent sent = Push("a", {1, 2});
  ASSERT_TRUE(testing::WaitFor([&] { return asked >= 1; }));
  EXPECT_FALSE(testing::WaitFor([&] { return asked > 4; }, std::chrono::seconds(3)));
}

}  // namespace
}  // namespace penstock::loader
