#include "services/common/testing/tcp_gate.h"

#include <gtest/gtest.h>

#include <future>
#include <optional>

#include "hiredis/hiredis.h"
#include "services/common/testing/redis_server.h"
#include "services/common/testing/wait_for.h"

namespace penstock::testing {
namespace {

using namespace std::chrono_literals;

class Connection {
 public:
  explicit Connection(uint16_t port) : context_(redisConnect("127.0.0.1", port)) {}
  ~Connection() { redisFree(context_); }
  bool Ping() {
    void* reply = redisCommand(context_, "PING");
    if (reply == nullptr) return false;
    freeReplyObject(reply);
    return true;
  }

 private:
  redisContext* context_;
};

TEST(TcpGate, CutsWhatPassesAndTakesNewConnections) {
  RedisServer server;
  TcpGate gate(server.port());
  Connection first(gate.port());
  EXPECT_TRUE(first.Ping());
  EXPECT_EQ(gate.connections(), 1);
  gate.Cut();
  EXPECT_FALSE(first.Ping());
  EXPECT_TRUE(Connection(gate.port()).Ping());
  EXPECT_TRUE(WaitFor([&] { return gate.connections() == 0; }));
}

TEST(TcpGate, RefusesWhileClosed) {
  RedisServer server;
  TcpGate gate(server.port());
  gate.Close();
  EXPECT_FALSE(Connection(gate.port()).Ping());
  gate.Open();
  EXPECT_TRUE(Connection(gate.port()).Ping());
}

TEST(TcpGate, AStalledAnswerArrivesOnceOpenedAgain) {
  RedisServer server;
  TcpGate gate(server.port());
  Connection connection(gate.port());
  ASSERT_TRUE(connection.Ping());
  gate.Stall();
  auto answer = std::async(std::launch::async, [&] { return connection.Ping(); });
  EXPECT_EQ(answer.wait_for(100ms), std::future_status::timeout);
  gate.Open();
  EXPECT_TRUE(answer.get());
}

TEST(TcpGate, DelaysBothWays) {
  RedisServer server;
  TcpGate gate(server.port());
  Connection connection(gate.port());
  gate.Delay(40ms);
  auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(connection.Ping());
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 80ms);
}

}  // namespace
}  // namespace penstock::testing
