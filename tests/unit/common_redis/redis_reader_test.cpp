#include "services/common/redis/redis_reader.h"

#include <gtest/gtest.h>

#include "services/common/core/status.h"
#include "services/common/redis/redis_command.h"
#include "services/common/redis/redis_errors.h"
#include "services/common/redis/redis_info.h"

namespace penstock {
namespace {

TEST(RedisReader, BuildsNestedRepliesFromPiecesOfAnySize) {
  const std::string bytes = std::string("*2\r\n$4\r\nload\r\n*3\r\n:42\r\n$-1\r\n$4\r\n") +
                            std::string("\0\r\n\xff", 4) + "\r\n";
  for (size_t piece : {1u, 3u, 100u}) {
    RedisReader reader(1 << 20);
    std::optional<RedisReply> reply;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      ASSERT_FALSE(reply.has_value());
      ASSERT_TRUE(reader.Feed(std::string_view(bytes).substr(at, piece)).ok());
      reply = *reader.Next();
    }
    ASSERT_TRUE(reply.has_value());
    ASSERT_EQ(reply->array.size(), 2u);
    EXPECT_EQ(reply->array[0].text, "load");
    const RedisReply& inner = reply->array[1];
    EXPECT_EQ(inner.array[0].integer, 42);
    EXPECT_TRUE(inner.array[1].IsNil());
    EXPECT_EQ(inner.array[2].text, std::string("\0\r\n\xff", 4));
  }
}

TEST(RedisReader, RefusesAReplyLargerThanAllowedButNotManySmallOnes) {
  RedisReader reader(64);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(reader.Feed("$5\r\nhello\r\n").ok());
    ASSERT_TRUE(reader.Next()->has_value());
  }
  ASSERT_TRUE(reader.Feed("$500\r\n").ok());
  ASSERT_TRUE(reader.Next().ok());
  EXPECT_EQ(CodeOf(reader.Feed(std::string(80, 'x'))), ErrorCode::kQUEUE_UNAVAILABLE);
}

TEST(RedisReader, SaysWhenTheOtherEndSpeaksSomethingElse) {
  RedisReader reader(1024);
  ASSERT_TRUE(reader.Feed("HTTP/1.1 400 Bad Request\r\n\r\n").ok());
  EXPECT_EQ(CodeOf(reader.Next().status()), ErrorCode::kQUEUE_UNAVAILABLE);
}

TEST(RedisCommand, EncodesBinaryWordsAndNumbers) {
  std::string binary("a\0b", 3);
  EncodedRedisCommand encoded = RedisCommand("SET", binary, -7, uint64_t{8}).Encode();
  EXPECT_EQ(encoded.bytes(),
            std::string("*4\r\n$3\r\nSET\r\n$3\r\na\0b\r\n$2\r\n-7\r\n$1\r\n8\r\n", 37));
}

TEST(RedisErrors, AServerThatTakesNoWritesIsBackPressure) {
  auto code = [](const char* text) {
    RedisReply reply;
    reply.kind = RedisReply::Kind::kError;
    reply.text = text;
    return CodeOf(ServerCondition(reply));
  };
  EXPECT_EQ(code("OOM command not allowed"), ErrorCode::kQUEUE_FULL);
  EXPECT_EQ(code("READONLY You can't write against a read only replica."), ErrorCode::kQUEUE_FULL);
  EXPECT_EQ(code("LOADING Redis is loading"), ErrorCode::kQUEUE_UNAVAILABLE);
  EXPECT_EQ(code("WRONGPASS invalid"), ErrorCode::kQUEUE_UNAVAILABLE);
  EXPECT_EQ(code("BUSYGROUP Consumer Group name already exists"), std::nullopt);
  EXPECT_EQ(code("STALE incarnation"), std::nullopt);
}

TEST(RedisInfo, AcceptsOnlyASinglePrimaryThatNeverEvicts) {
  const std::string good =
      "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n# Memory\r\n"
      "maxmemory:104857600\r\nmaxmemory_policy:noeviction\r\n# Replication\r\nrole:master\r\n";
  RedisInfo info = RedisInfo::Parse(good);
  EXPECT_EQ(info.memory.limit_bytes, 104857600u);
  EXPECT_EQ(info.version, "7.0.15");
  EXPECT_TRUE(info.Usable().ok());
  RedisInfo evicting = info;
  evicting.maxmemory_policy = "allkeys-lru";
  EXPECT_FALSE(evicting.Usable().ok());
  RedisInfo cluster = info;
  cluster.mode = "cluster";
  EXPECT_FALSE(cluster.Usable().ok());
  RedisInfo replica = info;
  replica.role = "slave";
  EXPECT_FALSE(replica.Usable().ok());
}

}  // namespace
}  // namespace penstock
