#include "services/common/redis/redis_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <vector>

#include "services/common/core/status.h"
#include "services/common/redis/redis_script.h"
#include "services/common/redis/redis_watch.h"
#include "services/common/testing/redis_server.h"
#include "services/common/testing/tcp_gate.h"
#include "services/common/testing/wait_for.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using ::penstock::testing::RedisServer;
using ::penstock::testing::TcpGate;
using ::penstock::testing::WaitFor;
using ::testing::HasSubstr;

class RedisClientTest : public ::testing::Test {
 protected:
  ~RedisClientTest() override {
    clients_.clear();
    pool_.join();
  }

  RedisClient& Connect(const std::string& url, std::chrono::milliseconds timeout = 5000ms) {
    RedisOptions options = *ParseRedisUrl(url);
    options.command_timeout = timeout;
    return Connect(options);
  }
  RedisClient& Connect(const RedisOptions& options) {
    return *clients_.emplace_back(std::make_unique<RedisClient>(pool_.get_executor(), options));
  }

  template <typename T>
  std::future<T> Start(asio::awaitable<T> work) {
    return asio::co_spawn(pool_, std::move(work), asio::use_future);
  }
  template <typename T>
  T Get(asio::awaitable<T> work) {
    return Start(std::move(work)).get();
  }

  // Whether the watch comes to say so; "": that all is well.
  static bool Says(const RedisWatch& watch, const std::string& text) {
    return WaitFor([&] {
      const absl::Status status = watch.status();
      return text.empty() ? status.ok()
                          : std::string(status.message()).find(text) != std::string::npos;
    });
  }

  asio::thread_pool pool_{2};
  std::vector<std::unique_ptr<RedisClient>> clients_;
};

TEST_F(RedisClientTest, ManyCallersShareOneConnectionAndEachGetsItsOwnReply) {
  RedisServer server;
  TcpGate gate(server.port());
  RedisClient& client = Connect(server.Url(gate.port()));
  std::vector<std::future<absl::StatusOr<RedisReply>>> replies;
  for (int i = 0; i < 2000; ++i) replies.push_back(Start(client.Command("ECHO", i)));
  for (int i = 0; i < 2000; ++i) {
    absl::StatusOr<RedisReply> reply = replies[static_cast<size_t>(i)].get();
    ASSERT_TRUE(reply.ok()) << reply.status();
    ASSERT_EQ(reply->text, std::to_string(i));
  }
  EXPECT_EQ(gate.accepted(), 1);
}

TEST_F(RedisClientTest, PassesBinaryValuesOfMegabytesUnchanged) {
  RedisServer server;
  RedisClient& client = Connect(server.Url());
  std::string value(5 << 20, '\0');
  for (size_t i = 0; i < value.size(); ++i) value[i] = static_cast<char>(i * 31);
  ASSERT_TRUE(Get(client.Command("SET", "k", value)).ok());
  EXPECT_EQ(Get(client.Command("GET", "k"))->text, value);
}

TEST_F(RedisClientTest, ABlockedReaderHoldsUpNobody) {
  RedisServer server;
  RedisClient& client = Connect(server.Url());
  ASSERT_TRUE(Get(client.Command("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM"))->IsString());
  EXPECT_TRUE(
      Get(client.Command("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM"))->IsError("BUSYGROUP"));
  auto read = Start(client.SendBlocking(
      RedisCommand("XREADGROUP", "GROUP", "g", "c", "BLOCK", 20000, "STREAMS", "s", ">"), 20s));
  ASSERT_TRUE(WaitFor([&] {
    return Get(client.Command("INFO", "clients"))->text.find("blocked_clients:1") !=
           std::string::npos;
  }));
  ASSERT_TRUE(Get(client.Command("XADD", "s", "*", "body", "b"))->IsString());
  absl::StatusOr<RedisReply> entry = read.get();
  ASSERT_TRUE(entry.ok()) << entry.status();
  EXPECT_EQ(entry->array[0].array[1].array[0].array[1].array[1].text, "b");
}

TEST_F(RedisClientTest, ComesBackAfterRedisWasKilledAndWaitingCommandsGoThrough) {
  RedisServer server;
  RedisClient& client = Connect(server.Url(), 20s);
  ASSERT_TRUE(Get(client.Command("SET", "k", "1")).ok());
  server.Kill();
  auto waiting = Start(client.Command("INCR", "k"));
  server.Start();
  absl::StatusOr<RedisReply> reply = waiting.get();
  // Sent into the dying connection it is unknown; else it waited for the new server, which is
  // empty.
  if (reply.ok()) {
    EXPECT_EQ(reply->integer, 1);
  } else {
    EXPECT_EQ(CodeOf(reply.status()), ErrorCode::kQUEUE_UNAVAILABLE);
  }
  EXPECT_TRUE(Get(client.Command("GET", "k")).ok());
}

TEST_F(RedisClientTest, ACutConnectionFailsWhatWasSentAndNeverRepeatsIt) {
  RedisServer server;
  TcpGate gate(server.port());
  RedisClient& client = Connect(server.Url(gate.port()));
  ASSERT_TRUE(Get(client.Command("SET", "n", "0")).ok());
  gate.Stall();
  auto lost = Start(client.Command("INCR", "n"));
  auto sent = [&] { return lost.wait_for(0s) == std::future_status::timeout; };
  ASSERT_TRUE(WaitFor(sent));
  gate.Cut();
  absl::StatusOr<RedisReply> reply = lost.get();
  gate.Open();
  if (!reply.ok()) {
    EXPECT_EQ(CodeOf(reply.status()), ErrorCode::kQUEUE_UNAVAILABLE);
    EXPECT_EQ(Get(client.Command("GET", "n"))->text, "0");
  }
}

TEST_F(RedisClientTest, ASilentConnectionIsGivenUpAndReplaced) {
  RedisServer server;
  TcpGate gate(server.port());
  RedisClient& client = Connect(server.Url(gate.port()), 300ms);
  ASSERT_TRUE(Get(client.Command("PING")).ok());
  gate.Stall();
  absl::StatusOr<RedisReply> reply = Get(client.Command("PING"));
  EXPECT_EQ(CodeOf(reply.status()), ErrorCode::kQUEUE_UNAVAILABLE);
  gate.Open();
  EXPECT_TRUE(WaitFor([&] { return Get(client.Command("PING")).ok(); }));
  EXPECT_EQ(gate.accepted(), 2);
}

TEST_F(RedisClientTest, WhoeverWaitsForASilentServerIsToldSo) {
  RedisServer server;
  TcpGate gate(server.port());
  RedisOptions options = *ParseRedisUrl(server.Url(gate.port()));
  RedisClient& client = Connect(options);
  ASSERT_TRUE(Get(client.Command("PING")).ok());
  gate.Stall();
  auto impatient = Start(client.Send(RedisCommand("PING"), 200ms));
  auto patient = Start(client.Send(RedisCommand("PING"), 20s));
  EXPECT_THAT(std::string(impatient.get().status().message()), HasSubstr("no reply within"));
  EXPECT_THAT(std::string(patient.get().status().message()), HasSubstr("no reply within"));
}

TEST_F(RedisClientTest, AServerThatIsSilentAtTheLogInIsGivenUpAndAskedAgain) {
  RedisServer server;
  server.Command({"ACL", "SETUSER", "worker", "on", ">right", "~*", "+@all"});
  TcpGate gate(server.port());
  RedisOptions options =
      *ParseRedisUrl("redis://worker:right@127.0.0.1:" + std::to_string(gate.port()));
  options.connect_timeout = 200ms;
  RedisClient& client = Connect(options);
  gate.Stall();
  auto reply = Start(client.Command("PING"));
  EXPECT_TRUE(WaitFor([&] { return gate.accepted() > 1; }));
  gate.Open();
  EXPECT_TRUE(reply.get().ok());
}

TEST_F(RedisClientTest, NothingListensThereAndTheCallEndsByItsDeadline) {
  RedisServer server;
  RedisClient& client = Connect(server.Url(), 200ms);
  server.Kill();
  absl::StatusOr<RedisReply> reply = Get(client.Command("PING"));
  EXPECT_EQ(CodeOf(reply.status()), ErrorCode::kQUEUE_UNAVAILABLE);
  EXPECT_THAT(std::string(reply.status().message()), HasSubstr("nothing was sent"));
}

TEST_F(RedisClientTest, AFullRedisIsBackPressureInScriptsToo) {
  RedisServer server({.settings = {"--maxmemory", "3mb"}});
  RedisClient& client = Connect(server.Url());
  std::string value(512 << 10, 'x');
  auto fill = [&](int i) { return Get(client.Command("SET", "k" + std::to_string(i), value)); };
  absl::StatusOr<RedisReply> reply;
  for (int i = 0; i < 20 && (reply = fill(i)).ok(); ++i) {
  }
  EXPECT_EQ(CodeOf(reply.status()), ErrorCode::kQUEUE_FULL);
  RedisScript push("return redis.call('SET', KEYS[1], ARGV[1])");
  std::string_view key = "again";
  std::string_view arg = value;
  EXPECT_EQ(CodeOf(Get(push.Call(client, {&key, 1}, {&arg, 1})).status()), ErrorCode::kQUEUE_FULL);
  EXPECT_TRUE(Get(client.Command("GET", "k0")).ok());
}

TEST_F(RedisClientTest, AReadOnlyReplicaIsBackPressureAndNotReady) {
  RedisServer primary;
  RedisServer replica({.settings = {"--replicaof", "127.0.0.1 " + std::to_string(primary.port())}});
  RedisClient& client = Connect(replica.Url());
  EXPECT_EQ(CodeOf(Get(client.Command("SET", "k", "v")).status()), ErrorCode::kQUEUE_FULL);
  const RedisWatch watch(pool_.get_executor(), client);
  EXPECT_TRUE(Says(watch, "it is a replica; point --redis-url at the primary"));
}

TEST_F(RedisClientTest, AnOrdinaryServerIsReadyAndOneThatEvictsIsNot) {
  RedisServer server;
  RedisClient& client = Connect(server.Url());
  const RedisWatch watch(pool_.get_executor(), client);
  EXPECT_TRUE(Says(watch, ""));
  server.Command({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
  EXPECT_TRUE(Says(watch, "set it to noeviction"));
  server.Command({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
  EXPECT_TRUE(Says(watch, ""));
}

TEST_F(RedisClientTest, AWatchMayEndBeforeItsQuestionIsAnswered) {
  RedisServer server;
  TcpGate gate(server.port());
  RedisClient& client = Connect(server.Url(gate.port()));
  gate.Stall();
  const RedisWatch watch(pool_.get_executor(), client);
  EXPECT_TRUE(Says(watch, "has not answered yet"));
}

TEST_F(RedisClientTest, AScriptIsSentOnceAndAgainAfterRedisForgotIt) {
  RedisServer server;
  RedisClient& client = Connect(server.Url());
  RedisScript script("return {KEYS[1], ARGV[1], ARGV[2]}");
  std::string_view key = "k";
  std::string_view args[] = {"a", "b"};
  for (int round = 0; round < 2; ++round) {
    absl::StatusOr<RedisReply> reply = Get(script.Call(client, {&key, 1}, args));
    ASSERT_TRUE(reply.ok()) << reply.status();
    ASSERT_EQ(reply->array.size(), 3u);
    EXPECT_EQ(reply->array[2].text, "b");
    server.Command({"SCRIPT", "FLUSH"});
  }
  RedisScript failing("return redis.error_reply('STALE incarnation 7')");
  EXPECT_TRUE(Get(failing.Call(client, {}, {}))->IsError("STALE"));
}

TEST_F(RedisClientTest, LogsInAsAnAclUserAndSaysWhenItIsRefused) {
  RedisServer server;
  server.Command({"ACL", "SETUSER", "worker", "on", ">right", "~*", "+@all"});
  server.Command({"ACL", "SETUSER", "default", "off"});
  std::string address = "@127.0.0.1:" + std::to_string(server.port());
  EXPECT_TRUE(Get(Connect("redis://worker:right" + address + "/2").Command("SET", "a", "b")).ok());
  absl::StatusOr<RedisReply> refused =
      Get(Connect("redis://worker:wrong" + address, 300ms).Command("GET", "a"));
  EXPECT_EQ(CodeOf(refused.status()), ErrorCode::kQUEUE_UNAVAILABLE);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("WRONGPASS"));
  EXPECT_THAT(std::string(refused.status().message()), ::testing::Not(HasSubstr("wrong@")));
}

TEST_F(RedisClientTest, AReplyOverTheLimitEndsTheConnectionNotTheClient) {
  RedisServer server;
  RedisOptions options = *ParseRedisUrl(server.Url());
  options.max_reply_bytes = 1 << 20;
  RedisClient& client = Connect(options);
  server.Command({"SET", "big", std::string(2 << 20, 'x')});
  EXPECT_EQ(CodeOf(Get(client.Command("GET", "big")).status()), ErrorCode::kQUEUE_UNAVAILABLE);
  EXPECT_TRUE(Get(client.Command("PING")).ok());
}

TEST_F(RedisClientTest, WhatWaitsForAnAbsentServerIsBounded) {
  RedisServer server;
  RedisOptions options = *ParseRedisUrl(server.Url());
  options.max_pending_bytes = 1 << 20;
  options.command_timeout = 30s;
  server.Kill();
  RedisClient& client = Connect(options);
  std::string value(600 << 10, 'x');
  auto first = Start(client.Command("SET", "a", value));
  EXPECT_EQ(CodeOf(Get(client.Command("SET", "b", value)).status()), ErrorCode::kQUEUE_FULL);
  server.Start();
  EXPECT_TRUE(first.get().ok());
}

TEST_F(RedisClientTest, ClosingEndsCallsThatWait) {
  RedisServer server;
  RedisClient& client = Connect(server.Url());
  auto read = Start(client.SendBlocking(RedisCommand("BLPOP", "none", 0), 60s));
  ASSERT_TRUE(WaitFor([&] {
    return server.Command({"INFO", "clients"}).text.find("blocked_clients:1") != std::string::npos;
  }));
  client.Close();
  EXPECT_EQ(CodeOf(read.get().status()), ErrorCode::kQUEUE_UNAVAILABLE);
}

}  // namespace
}  // namespace penstock
