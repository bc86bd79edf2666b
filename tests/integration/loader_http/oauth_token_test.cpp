#include "services/loader/destinations/http/oauth_token.h"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "tests/support/http/test_server.h"

namespace penstock::loader {
namespace {

using namespace std::chrono_literals;
using penstock::test::Respond;
using penstock::test::SeenRequest;
using penstock::test::TestAnswer;
using penstock::test::TestServer;
using ::testing::Each;

class OAuthTokenTest : public ::testing::Test {
 protected:
  void Make(const std::string& url) {
    const Config auth = {{"type", "oauth2"},
                         {"token_url", url + "/token"},
                         {"client_id", "a:b"},
                         {"client_secret", "c d"}};
    auto client = HttpClient::Create(context_.get_executor(), {});
    auto made =
        OAuthToken::Make(context_.get_executor(), auth, std::move(*client), Clock::System());
    ASSERT_TRUE(made.ok()) << made.status();
    token_ = *std::move(made);
  }
  // What so many who ask at once get: the token, or the answer's code.
  std::vector<std::string> Get(size_t callers = 1, Duration within = 10s) {
    std::vector<std::future<std::variant<std::string, Answer>>> futures;
    for (size_t i = 0; i < callers; ++i) {
      futures.push_back(boost::asio::co_spawn(context_, token_->Get(BootClock::now() + within),
                                              boost::asio::use_future));
    }
    context_.restart();
    context_.run();
    std::vector<std::string> out;
    for (auto& future : futures) {
      auto got = future.get();
      if (const auto* answer = std::get_if<Answer>(&got)) {
        last_ = *answer;
        EXPECT_TRUE(answer->answered) << "nothing was sent to the destination";
        out.emplace_back(Name(answer->code));
      } else {
        out.push_back(std::get<std::string>(got));
      }
    }
    return out;
  }

  boost::asio::io_context context_;
  std::shared_ptr<OAuthToken> token_;
  Answer last_;
};

TEST_F(OAuthTokenTest, WhoAsksAtOnceSharesOneRequest) {
  TestServer server([](const SeenRequest&) {
    TestAnswer answer = Respond(200, R"({"access_token":"t1","expires_in":"3600"})");
    answer.delay = 50ms;
    return answer;
  });
  Make(server.url());
  EXPECT_THAT(Get(10), Each("t1"));
  EXPECT_THAT(Get(), Each("t1"));
  ASSERT_EQ(server.seen().size(), 1u);
  EXPECT_EQ(server.seen()[0].body, "grant_type=client_credentials");
  // "a%3Ab:c%20d": both are form-encoded before they are joined.
  EXPECT_EQ(server.seen()[0].headers.at("authorization"), "Basic YSUzQWI6YyUyMGQ=");
}

TEST_F(OAuthTokenTest, IsFetchedAnewWhenItsTimeIsOver) {
  std::atomic<int> given = 0;
  TestServer server([&](const SeenRequest&) {
    return Respond(200, R"({"access_token":"t)" + std::to_string(++given) + R"(","expires_in":0})");
  });
  Make(server.url());
  EXPECT_THAT(Get(), Each("t1"));
  EXPECT_EQ(token_->lifetime(), Duration::zero()) << "0 is as good as not said";
  token_->Refused("another");
  EXPECT_THAT(Get(), Each("t1"));
  token_->Refused("t1");
  EXPECT_THAT(Get(), Each("t2"));
}

TEST_F(OAuthTokenTest, ARefusedClientIsTheUsersToMend) {
  TestServer server([](const SeenRequest&) {
    return Respond(400, R"({"error":"invalid_scope","error_description":"no such\nscope"})");
  });
  Make(server.url());
  EXPECT_THAT(Get(), Each("DESTINATION_UNAUTHENTICATED"));
  EXPECT_EQ(last_.verdict, Verdict::kUnauthenticated);
  EXPECT_EQ(last_.message, server.url() +
                               "/token refuses the client credentials: HTTP status 400: "
                               "invalid_scope: no such scope");
}

TEST_F(OAuthTokenTest, AnEndpointThatIsAwayCountsAsTheDestinationDown) {
  Make("http://127.0.0.1:1");
  EXPECT_THAT(Get(3), Each("DESTINATION_UNREACHABLE"));
  EXPECT_EQ(last_.verdict, Verdict::kFailed);
  TestServer busy([](const SeenRequest&) { return Respond(429, "", "Retry-After: 7\r\n"); });
  Make(busy.url());
  EXPECT_THAT(Get(), Each("DESTINATION_RATE_LIMITED"));
  EXPECT_EQ(last_.retry_after, Duration(7s));
  for (const TestAnswer& wrong : {Respond(503, ""), Respond(200, "<html>"), Respond(302, ""),
                                  Respond(200, R"({"access_token":"t","token_type":"mac"})")}) {
    TestServer server([&](const SeenRequest&) { return wrong; });
    Make(server.url());
    Get();
    EXPECT_EQ(last_.verdict, Verdict::kFailed) << wrong.bytes;
  }
}

TEST_F(OAuthTokenTest, WaitsNoLongerThanAnAttempt) {
  TestServer server([](const SeenRequest&) {
    TestAnswer answer = Respond(200, R"({"access_token":"t1"})");
    answer.delay = 60s;
    return answer;
  });
  Make(server.url());
  EXPECT_THAT(Get(3, 100ms), Each("DESTINATION_TIMEOUT"));
  EXPECT_EQ(last_.verdict, Verdict::kFailed);
}

}  // namespace
}  // namespace penstock::loader
