#include "services/common/net/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <thread>

#include "services/common/core/status.h"
#include "tests/support/http/test_server.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using test::Respond;
using test::SeenRequest;
using test::TestAnswer;
using test::TestServer;
using ::testing::HasSubstr;

class HttpClientTest : public ::testing::Test {
 protected:
  void Use(HttpClientOptions options = {}) {
    auto client = HttpClient::Create(context_.get_executor(), std::move(options));
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = std::move(*client);
  }

  HttpRequest Post(const std::string& url, std::string_view body = "{}") {
    HttpRequest request;
    request.origin = ParseBaseUrl(url)->origin;
    request.target = "/v1/batch?a=1";
    request.headers = {{"Content-Type", "application/json"}};
    request.body = {body};
    request.deadline = BootClock::now() + 10s;
    return request;
  }

  HttpResult Send(HttpRequest request) {
    if (!client_) Use();
    return SendAll({std::move(request)}).front();
  }

  std::vector<HttpResult> SendAll(std::vector<HttpRequest> requests) {
    std::vector<std::future<HttpResult>> futures;
    for (HttpRequest& request : requests) {
      futures.push_back(boost::asio::co_spawn(context_, client_->Send(std::move(request)),
                                              boost::asio::use_future));
    }
    std::vector<HttpResult> results;
    while (std::any_of(futures.begin(), futures.end(),
                       [](auto& f) { return f.wait_for(0s) != std::future_status::ready; })) {
      context_.restart();
      context_.run_one();
    }
    for (auto& future : futures) results.push_back(future.get());
    return results;
  }

  static void ExpectFailure(const HttpResult& result, HttpFailure::Kind kind, ErrorCode code,
                            const std::string& says = "") {
    ASSERT_TRUE(std::holds_alternative<HttpFailure>(result))
        << "status " << std::get<HttpResponse>(result).status;
    const auto& failure = std::get<HttpFailure>(result);
    EXPECT_EQ(failure.kind, kind) << failure.message;
    EXPECT_EQ(Name(failure.code), Name(code)) << failure.message;
    EXPECT_THAT(failure.message, HasSubstr(says));
  }
  static const HttpResponse& Response(const HttpResult& result) {
    if (const auto* failure = std::get_if<HttpFailure>(&result)) {
      throw std::runtime_error(failure->message);
    }
    return std::get<HttpResponse>(result);
  }

  static constexpr auto kNotSent = HttpFailure::Kind::kNotSent;
  static constexpr auto kUnanswered = HttpFailure::Kind::kUnanswered;
  boost::asio::io_context context_;
  std::unique_ptr<HttpClient> client_;
};

TestAnswer Raw(std::string bytes, bool close = true) {
  return {std::move(bytes), 0ms, close, false};
}

TEST_F(HttpClientTest, SendsWhatItWasGivenAndReadsTheAnswer) {
  TestServer server([](const SeenRequest&) { return Respond(201, R"({"ok":1})", "X-Id: 7\r\n"); });
  HttpRequest request = Post(server.url());
  request.body = {"{\"a\":", "[1,2]", "}"};
  const HttpResult result = Send(request);
  EXPECT_EQ(Response(result).status, 201);
  EXPECT_EQ(Response(result).body, R"({"ok":1})");
  EXPECT_EQ(Response(result).Header("x-ID"), "7");
  const auto seen = server.seen();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].method, "POST");
  EXPECT_EQ(seen[0].target, "/v1/batch?a=1");
  EXPECT_EQ(seen[0].body, R"({"a":[1,2]})");
  EXPECT_EQ(seen[0].headers.at("host"), "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_EQ(seen[0].headers.at("content-length"), "11");
}

TEST_F(HttpClientTest, KeepsConnectionsAndSharesThem) {
  TestServer server([](const SeenRequest&) { return Respond(200, "{}"); });
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Response(Send(Post(server.url()))).status, 200);
  EXPECT_EQ(server.accepted(), 1u);
  EXPECT_EQ(client_->idle_connections(), 1u);
  EXPECT_EQ(SendAll({Post(server.url()), Post(server.url())}).size(), 2u);
  EXPECT_EQ(server.accepted(), 2u);
}

TEST_F(HttpClientTest, BoundsConnectionsAndWaitsForOne) {
  TestServer server([](const SeenRequest&) { return Respond(200, "{}"); });
  HttpClientOptions options;
  options.max_connections = 2;
  Use(options);
  std::vector<HttpRequest> requests(20, Post(server.url()));
  for (const HttpResult& result : SendAll(std::move(requests)))
    EXPECT_EQ(Response(result).status, 200);
  EXPECT_LE(server.accepted(), 2u);
}

TEST_F(HttpClientTest, AnIdleConnectionOfAnotherOriginMakesPlace) {
  TestServer one([](const SeenRequest&) { return Respond(200, "1"); });
  TestServer two([](const SeenRequest&) { return Respond(200, "2"); });
  HttpClientOptions options;
  options.max_connections = 1;
  Use(options);
  EXPECT_EQ(Response(Send(Post(one.url()))).body, "1");
  EXPECT_EQ(Response(Send(Post(two.url()))).body, "2");
  EXPECT_EQ(client_->connections(), 1u);
}

TEST_F(HttpClientTest, AConnectionThatTheServerClosedWhileIdleIsNotUsed) {
  test::TestServerOptions options;
  options.close_idle_after = 20ms;
  TestServer server([](const SeenRequest&) { return Respond(200, "{}"); }, options);
  EXPECT_EQ(Response(Send(Post(server.url()))).status, 200);
  while (server.open() > 0) std::this_thread::yield();
  EXPECT_EQ(Response(Send(Post(server.url()))).status, 200);
  EXPECT_EQ(server.accepted(), 2u);
  EXPECT_EQ(server.seen().size(), 2u);
}

TEST_F(HttpClientTest, HeedsHowLongTheServerKeepsAConnection) {
  TestServer server(
      [](const SeenRequest&) { return Respond(200, "{}", "Keep-Alive: timeout=1\r\n"); });
  EXPECT_EQ(Response(Send(Post(server.url()))).status, 200);
  EXPECT_EQ(client_->idle_connections(), 0u);
}

TEST_F(HttpClientTest, NoConnectionMeansNotSent) {
  uint16_t port = 0;
  {
    boost::asio::ip::tcp::acceptor closed(context_, {boost::asio::ip::address_v4::loopback(), 0});
    port = closed.local_endpoint().port();
  }
  ExpectFailure(Send(Post("http://127.0.0.1:" + std::to_string(port))), kNotSent,
                ErrorCode::kDESTINATION_UNREACHABLE);
  ExpectFailure(Send(Post("http://no-such-host.invalid")), kNotSent,
                ErrorCode::kDESTINATION_UNREACHABLE, "no-such-host.invalid");
}

TEST_F(HttpClientTest, AClosedConnectionMeansUnanswered) {
  TestServer server([](const SeenRequest&) { return Raw(""); });
  ExpectFailure(Send(Post(server.url())), kUnanswered, ErrorCode::kDESTINATION_UNAVAILABLE);
  EXPECT_EQ(server.seen().size(), 1u) << "nothing is sent twice";
}

TEST_F(HttpClientTest, AReusedConnectionThatDiesUnderARequestIsNotTriedAgain) {
  TestServer server([count = 0](const SeenRequest&) mutable {
    return count++ == 0 ? Respond(200, "{}") : Raw("");
  });
  EXPECT_EQ(Response(Send(Post(server.url()))).status, 200);
  ExpectFailure(Send(Post(server.url())), kUnanswered, ErrorCode::kDESTINATION_UNAVAILABLE);
  EXPECT_EQ(server.seen().size(), 2u);
}

TEST_F(HttpClientTest, NonsenseMeansUnanswered) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: ";
  for (const auto& [bytes, says] : std::vector<std::pair<std::string, std::string>>{
           {head + "100\r\n\r\n{\"cut", "in the middle"},
           {"HTTP/1.1 200 OK\r\nConte", "in the middle"},
           {"<html>this is no HTTP</html>\r\n\r\n", "no HTTP answer"},
           {head + "abc\r\n\r\n{}", "no HTTP answer"},
           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "no HTTP answer"},
           {"HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'a') + "\r\n\r\n", "larger than"}}) {
    TestServer server([&answer = bytes](const SeenRequest&) { return Raw(answer); });
    ExpectFailure(Send(Post(server.url())), kUnanswered, ErrorCode::kDESTINATION_BAD_ANSWER, says);
  }
}

TEST_F(HttpClientTest, AnEndlessBodyIsCut) {
  for (const char* framing : {"Content-Length: 99999999999\r\n\r\n", "\r\n"}) {
    TestServer server([framing](const SeenRequest&) {
      return TestAnswer{std::string("HTTP/1.1 200 OK\r\n") + framing, 0ms, false, true};
    });
    ExpectFailure(Send(Post(server.url())), kUnanswered, ErrorCode::kDESTINATION_BAD_ANSWER,
                  "larger than");
    EXPECT_EQ(client_->connections(), 0u);
  }
}

TEST_F(HttpClientTest, ARedirectIsReturnedAndNotFollowed) {
  TestServer other([](const SeenRequest&) { return Respond(200, "{}"); });
  TestServer server(
      [&](const SeenRequest&) { return Respond(307, "", "Location: " + other.url() + "/\r\n"); });
  EXPECT_EQ(Response(Send(Post(server.url()))).status, 307);
  EXPECT_EQ(other.accepted(), 0u);
}

TEST_F(HttpClientTest, TheDeadlineCoversTheWholeAttempt) {
  TestServer slow([](const SeenRequest&) {
    TestAnswer answer = Respond(200, "{}");
    answer.delay = 60s;
    return answer;
  });
  Use();  // takes its time, to read the authorities
  HttpRequest request = Post(slow.url());
  const BootTime start = BootClock::now();
  request.deadline = start + 150ms;
  ExpectFailure(Send(request), kUnanswered, ErrorCode::kDESTINATION_TIMEOUT);
  EXPECT_LT(BootClock::now() - start, 5s);
  request.deadline = BootClock::now() - 1s;
  const auto late = Send(request);
  ASSERT_TRUE(std::holds_alternative<HttpFailure>(late));
  EXPECT_EQ(std::get<HttpFailure>(late).kind, kNotSent);
  EXPECT_EQ(slow.seen().size(), 1u);
}

TEST_F(HttpClientTest, AsksBeforeEveryWrite) {
  TestServer server([](const SeenRequest&) { return Respond(200, "{}"); });
  HttpRequest request = Post(server.url());
  request.may_write = [] { return false; };
  ExpectFailure(Send(request), kNotSent, ErrorCode::kGRANT_REFUSED);
  EXPECT_EQ(server.seen().size(), 0u);

  // A body that no socket takes at once: the permission ends after the first write.
  const std::string large(64 << 20, 'x');
  request = Post(server.url(), large);
  request.may_write = [asked = 0]() mutable { return asked++ == 0; };
  ExpectFailure(Send(request), kUnanswered, ErrorCode::kGRANT_REFUSED);
  EXPECT_EQ(server.seen().size(), 0u);
}

TEST_F(HttpClientTest, AnAnswerThatComesBeforeTheWholeRequestCounts) {
  // The server reads the head alone, refuses, and stops reading.
  boost::asio::ip::tcp::acceptor acceptor(context_, {boost::asio::ip::address_v4::loopback(), 0});
  std::thread server([&] {
    auto socket = acceptor.accept();
    std::string head(65536, '\0');
    socket.read_some(boost::asio::buffer(head));
    boost::asio::write(
        socket,
        boost::asio::buffer(std::string("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")));
    socket.shutdown(boost::asio::ip::tcp::socket::shutdown_send);
    boost::system::error_code error;
    while (!error) socket.read_some(boost::asio::buffer(head), error);
  });
  const std::string large(8 << 20, 'x');
  EXPECT_EQ(
      Response(
          Send(Post("http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()), large)))
          .status,
      413);
  client_.reset();
  server.join();
}

TEST_F(HttpClientTest, RefusesHeadersThatWouldSmuggle) {
  TestServer server([](const SeenRequest&) { return Respond(200, "{}"); });
  HttpRequest request = Post(server.url());
  request.headers.emplace_back("X-Name", "a\r\nX-Evil: 1");
  ExpectFailure(Send(request), kNotSent, ErrorCode::kINVALID_REQUEST);
  EXPECT_EQ(server.accepted(), 0u);
}

TEST_F(HttpClientTest, InterimAnswersAreSkipped) {
  TestServer server([](const SeenRequest&) {
    return Raw("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
               false);
  });
  EXPECT_EQ(Response(Send(Post(server.url()))).body, "ok");
}

class HttpsClientTest : public HttpClientTest {
 protected:
  test::TestServerOptions Tls(const std::string& name) {
    const auto pair = certificates_.Issue(name);
    return {pair.certificate, pair.key, false, 0ms};
  }
  void Trust() {
    HttpClientOptions options;
    options.ca_file = certificates_.ca();
    Use(options);
  }
  static TestAnswer Ok(const SeenRequest&) { return Respond(200, "{}"); }
  test::TestCertificates certificates_;
};

TEST_F(HttpsClientTest, TrustsTheAuthorityItWasGiven) {
  TestServer server(Ok, Tls("127.0.0.1"));
  Trust();
  const std::string large(3 << 20, 'y');
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Response(Send(Post(server.url(), large))).status, 200);
  EXPECT_EQ(server.accepted(), 1u);
  EXPECT_EQ(server.seen()[2].body, large);
}

TEST_F(HttpsClientTest, RefusesAnAuthorityThatItDoesNotKnow) {
  TestServer server(Ok, Tls("127.0.0.1"));
  Use();
  ExpectFailure(Send(Post(server.url())), kNotSent, ErrorCode::kDESTINATION_TLS_FAILED, "tls_ca");
  EXPECT_EQ(server.seen().size(), 0u);
}

TEST_F(HttpsClientTest, RefusesACertificateOfAnotherHost) {
  TestServer server(Ok, Tls("other.example"));
  Trust();
  ExpectFailure(Send(Post(server.url())), kNotSent, ErrorCode::kDESTINATION_TLS_FAILED);
  EXPECT_EQ(server.seen().size(), 0u);
}

TEST_F(HttpsClientTest, AServerThatSpeaksNoTlsIsNotSentTo) {
  TestServer server(Ok);
  Trust();
  ExpectFailure(Send(Post("https://127.0.0.1:" + std::to_string(server.port()))), kNotSent,
                ErrorCode::kDESTINATION_TLS_FAILED);
}

TEST_F(HttpsClientTest, NamesACertificateFileThatCannotBeRead) {
  HttpClientOptions options;
  options.ca_file = "/no/such/ca.pem";
  const auto client = HttpClient::Create(context_.get_executor(), options);
  ASSERT_FALSE(client.ok());
  EXPECT_THAT(std::string(client.status().message()), HasSubstr("/no/such/ca.pem"));
}

}  // namespace
}  // namespace penstock
