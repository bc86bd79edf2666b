#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "services/common/net/http_client.h"
#include "tests/support/http/test_proxy.h"
#include "tests/support/http/test_server.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using test::Respond;
using test::SeenRequest;
using test::TestProxy;
using test::TestServer;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class HttpProxyTest : public ::testing::Test {
 protected:
  void Use(const TestProxy& proxy, const std::string& credentials = "",
           const std::string& exceptions = "") {
    const std::string url = credentials + "127.0.0.1:" + std::to_string(proxy.port());
    const std::map<std::string, std::string> environment = {{"http_proxy", "http://" + url},
                                                            {"https_proxy", "http://" + url},
                                                            {"no_proxy", exceptions}};
    HttpClientOptions options;
    options.ca_file = certificates_.ca();
    options.proxies = *ProxyRules::FromEnvironment([&](const char* name) -> const char* {
      const auto found = environment.find(name);
      return found == environment.end() ? nullptr : found->second.c_str();
    });
    client_ = std::move(*HttpClient::Create(context_.get_executor(), options));
  }
  HttpResult Send(const std::string& url) {
    HttpRequest request;
    request.origin = ParseBaseUrl(url)->origin;
    request.target = "/x?a=1";
    request.body = {"{}"};
    request.deadline = BootClock::now() + 10s;
    return Run(client_->Send(std::move(request)));
  }
  template <typename T>
  T Run(boost::asio::awaitable<T> operation) {
    auto future = boost::asio::co_spawn(context_, std::move(operation), boost::asio::use_future);
    context_.restart();
    context_.run();
    return future.get();
  }
  static int Status(const HttpResult& result) {
    const auto* response = std::get_if<HttpResponse>(&result);
    return response == nullptr ? 0 : response->status;
  }
  test::TestServerOptions Tls(const std::string& name) {
    const auto pair = certificates_.Issue(name);
    return {pair.certificate, pair.key, false, 0ms};
  }
  static test::TestAnswer Ok(const SeenRequest&) { return Respond(200, "{}"); }

  boost::asio::io_context context_;
  test::TestCertificates certificates_;
  std::unique_ptr<HttpClient> client_;
};

TEST_F(HttpProxyTest, PlainRequestsGoByTheAbsoluteForm) {
  TestServer server(Ok);
  TestProxy proxy({.authorization = "Basic dTpwYXNz"});
  Use(proxy, "u:pass@");
  const std::string host = "api.test:" + std::to_string(server.port());
  EXPECT_EQ(Status(Send("http://" + host)), 200);
  EXPECT_EQ(Status(Send("http://" + host)), 200);
  EXPECT_THAT(proxy.seen(), Each("POST http://" + host + "/x?a=1"));
  EXPECT_EQ(server.seen().at(0).target, "/x?a=1");
  EXPECT_EQ(server.seen().at(0).headers.at("host"), host);
  EXPECT_FALSE(server.seen().at(0).headers.contains("proxy-authorization"));
}

TEST_F(HttpProxyTest, TlsGoesThroughATunnelAndIsVerifiedEndToEnd) {
  TestServer server(Ok, Tls("api.test"));
  TestProxy proxy({.authorization = "Basic dTpwYXNz"});
  Use(proxy, "u:pass@");
  const std::string host = "api.test:" + std::to_string(server.port());
  EXPECT_EQ(Status(Send("https://" + host)), 200);
  EXPECT_EQ(Status(Send("https://" + host)), 200);
  EXPECT_THAT(proxy.seen(), ElementsAre("CONNECT " + host)) << "the tunnel is used again";
  const HttpResult other = Send("https://other.test:" + std::to_string(server.port()));
  EXPECT_EQ(std::get<HttpFailure>(other).code, ErrorCode::kDESTINATION_TLS_FAILED);
  EXPECT_THAT(std::get<HttpFailure>(other).message, HasSubstr("for other names"));
}

TEST_F(HttpProxyTest, ExceptedHostsAreReachedDirectly) {
  TestServer server(Ok);
  TestProxy proxy;
  Use(proxy, "", "127.0.0.0/8");
  EXPECT_EQ(Status(Send(server.url())), 200);
  EXPECT_THAT(proxy.seen(), ElementsAre());
}

TEST_F(HttpProxyTest, WhatTheProxyRefusesWasNotSent) {
  TestServer server(Ok);
  TestProxy asks({.authorization = "Basic other"}), refuses({.refuse_tunnels = 403}),
      cut_off({.refuse_tunnels = 502});
  const std::string host = "api.test:" + std::to_string(server.port());
  const auto failure = [&](const TestProxy& proxy, const std::string& url) {
    Use(proxy, "u:hush@");
    HttpResult result = Send(url);
    EXPECT_EQ(Status(result), 0);
    auto& failed = std::get<HttpFailure>(result);
    EXPECT_EQ(failed.kind, HttpFailure::Kind::kNotSent);
    EXPECT_THAT(failed.message, Not(HasSubstr("hush")));
    return failed;
  };
  for (const std::string scheme : {"http://", "https://"}) {
    const HttpFailure asked = failure(asks, scheme + host);
    EXPECT_EQ(asked.code, ErrorCode::kINVALID_CONFIGURATION);
    EXPECT_THAT(asked.message, AllOf(HasSubstr("wants other credentials (HTTP status 407)"),
                                     HasSubstr("http://user:password@host:port")));
  }
  const HttpFailure refused = failure(refuses, "https://" + host);
  EXPECT_EQ(refused.code, ErrorCode::kINVALID_CONFIGURATION);
  EXPECT_THAT(refused.message, HasSubstr("won't connect to " + host + ": HTTP status 403; let it"));
  const HttpFailure away = failure(cut_off, "https://" + host);
  EXPECT_EQ(away.code, ErrorCode::kDESTINATION_UNREACHABLE);
  EXPECT_THAT(away.message, HasSubstr("can't reach " + host));
  EXPECT_EQ(server.accepted(), 0u);
}

TEST_F(HttpProxyTest, TryTellsTheWay) {
  TestServer server(Ok, Tls("api.test"));
  TestProxy proxy;
  Use(proxy);
  const Origin origin = ParseBaseUrl("https://api.test:" + std::to_string(server.port()))->origin;
  const HttpClient::Way way = Run(client_->Try(origin, BootClock::now() + 10s));
  EXPECT_FALSE(way.failure) << way.failure->message;
  EXPECT_THAT(way.steps,
              ElementsAre(HasSubstr("goes through the proxy http://127.0.0.1:"),
                          HasSubstr("127.0.0.1 is 127.0.0.1 and takes connections"),
                          HasSubstr("api.test speaks TLSv1.3, its certificate is good")));
}

}  // namespace
}  // namespace penstock
