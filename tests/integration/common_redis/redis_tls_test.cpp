#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include "services/common/core/status.h"
#include "services/common/redis/redis_client.h"
#include "services/common/testing/free_port.h"
#include "services/common/testing/redis_server.h"
#include "tests/support/http/test_server.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using ::penstock::testing::FreePort;
using ::penstock::testing::RedisServer;
using ::testing::HasSubstr;

class RedisTlsTest : public ::testing::Test {
 protected:
  // Serves TLS with a certificate for `name`.
  void Serve(const std::string& name) {
    auto pair = certificates_.Issue(name);
    server_ = std::make_unique<RedisServer>(RedisServer::Options{
        {"--tls-port", std::to_string(port_), "--tls-cert-file", pair.certificate, "--tls-key-file",
         pair.key, "--tls-ca-cert-file", certificates_.ca(), "--tls-auth-clients", "no"}});
  }
  absl::StatusOr<RedisReply> Ping(const std::string& host, const std::string& ca_file) {
    RedisOptions options = *ParseRedisUrl("rediss://" + host + ":" + std::to_string(port_));
    options.ca_file = ca_file;
    options.command_timeout = 2s;
    RedisClient client(pool_.get_executor(), options);
    return asio::co_spawn(pool_, client.Command("PING"), asio::use_future).get();
  }

  test::TestCertificates certificates_;
  uint16_t port_ = FreePort();
  std::unique_ptr<RedisServer> server_;
  asio::thread_pool pool_{1};
};

TEST_F(RedisTlsTest, TrustsTheAuthorityItIsGiven) {
  Serve("localhost");
  absl::StatusOr<RedisReply> reply = Ping("localhost", certificates_.ca());
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->text, "PONG");
}

TEST_F(RedisTlsTest, VerifiesAddressesToo) {
  Serve("127.0.0.1");
  EXPECT_TRUE(Ping("127.0.0.1", certificates_.ca()).ok());
}

TEST_F(RedisTlsTest, RefusesAnUnknownAuthorityAndAnotherName) {
  Serve("redis.internal");
  EXPECT_EQ(CodeOf(Ping("localhost", "").status()), ErrorCode::kQUEUE_UNAVAILABLE);
  absl::Status other_name = Ping("localhost", certificates_.ca()).status();
  EXPECT_EQ(CodeOf(other_name), ErrorCode::kQUEUE_UNAVAILABLE);
  EXPECT_THAT(std::string(other_name.message()), HasSubstr("TLS handshake"));
}

TEST_F(RedisTlsTest, NamesACertificateFileThatCanNotBeRead) {
  Serve("localhost");
  EXPECT_THAT(std::string(Ping("localhost", "/no/such/ca.pem").status().message()),
              HasSubstr("/no/such/ca.pem"));
}

}  // namespace
}  // namespace penstock
