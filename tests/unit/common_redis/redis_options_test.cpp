#include "services/common/redis/redis_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/testing/temp_dir.h"

namespace penstock {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::TempDir;
using testing::WriteFile;

TEST(RedisUrl, CarriesEverythingThatNamesTheServer) {
  auto options = ParseRedisUrl("rediss://worker:p%40ss@redis.internal:6380/3");
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_TRUE(options->tls);
  EXPECT_EQ(options->host, "redis.internal");
  EXPECT_EQ(options->port, 6380);
  EXPECT_EQ(options->user, "worker");
  EXPECT_EQ(options->password, "p@ss");
  EXPECT_EQ(options->database, 3);
}

TEST(RedisUrl, TakesAPasswordWithoutAUserAndTheUsualPort) {
  auto options = ParseRedisUrl("redis://:secret@[::1]");
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->host, "::1");
  EXPECT_EQ(options->port, 6379);
  EXPECT_EQ(options->user, "");
  EXPECT_EQ(options->password, "secret");
}

TEST(RedisUrl, GoesWithoutAPasswordWhenAFileHoldsIt) {
  const TempDir dir("redis-url");
  const std::string file = dir / "password";
  const auto refusal = [](std::string_view url, const std::string& password_file) {
    return std::string(ParseRedisUrl(url, password_file).status().message());
  };
  EXPECT_EQ(refusal("redis://u@h", file), file + ": can't be read");
  WriteFile(file, "two\nlines\n");
  EXPECT_EQ(refusal("redis://u@h", file), file + ": holds no password, which is one line");
  WriteFile(file, "\n");
  EXPECT_EQ(refusal("redis://u@h", file), file + ": holds no password, which is one line");
  WriteFile(file, "hunter2\n");
  EXPECT_THAT(refusal("redis://u:p@h", file), HasSubstr("a password beside --redis-password-file"));
  auto options = ParseRedisUrl("redis://worker@h", file);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->user, "worker");
  EXPECT_EQ(options->password_file, file);
}

TEST(RedisUrl, RefusesWhatItDoesNotUnderstandWithoutShowingThePassword) {
  for (const char* url : {"localhost:6379", "http://h", "redis://", "redis://u@h", "redis://h/x",
                          "redis://h/0?timeout=3", "redis://:hunter2@h:99999"}) {
    auto options = ParseRedisUrl(url);
    ASSERT_FALSE(options.ok()) << url;
    EXPECT_THAT(std::string(options.status().message()), Not(HasSubstr("hunter2")));
    EXPECT_THAT(std::string(options.status().message()), HasSubstr("redis://"));
  }
}

}  // namespace
}  // namespace penstock
