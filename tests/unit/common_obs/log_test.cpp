#include "services/common/obs/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <type_traits>

#include "services/common/core/secret.h"
#include "services/common/core/status.h"
#include "services/common/obs/log_line.h"

namespace penstock {
namespace {

using std::string_literals::operator""s;

static_assert(!std::is_constructible_v<LogField, std::string_view, Secret>,
              "a secret must not become a log field");

std::string Line(std::string_view message, std::vector<LogField> fields) {
  WallTime time{std::chrono::microseconds(1774779300000007)};
  return FormatLogLine(time, LogLevel::kInfo, "loader", "batch_settled", message, fields);
}

TEST(LogLine, IsOneJsonObjectWithTypedFields) {
  EXPECT_EQ(Line("Settled", {{"run", "r1"}, {"n", 998}, {"ratio", 0.5}, {"last", true}}),
            R"({"ts":"2026-03-29T10:15:00.000007Z","level":"info","service":"loader",)"
            R"("event":"batch_settled","message":"Settled","run":"r1","n":998,"ratio":0.5,)"
            R"("last":true})");
}

TEST(LogLine, StaysValidJsonWhateverItIsGiven) {
  for (std::string nasty : {"\"\\\n\r\t\0\x01"s, "\xff\xfe\xc0\xaf"s, "\xed\xa0\x80 caf\xc3\xa9"s,
                            "\xf0\x9f\x98"s, "\xe2\x82"s}) {
    std::string line = Line(nasty, {{"value", nasty}, {"nan", 0.0 / 0.0}});
    EXPECT_EQ(line.find('\n'), line.npos);
    boost::system::error_code error;
    boost::json::parse(line, error);
    EXPECT_FALSE(error) << line;
  }
}

class LogTest : public ::testing::Test {
 protected:
  LogTest() {
    SetLogSink([this](std::string_view line) { lines_.emplace_back(line); });
    StartLog("state", LogLevel::kInfo);
  }
  ~LogTest() override { SetLogSink(nullptr); }
  std::vector<std::string> lines_;
};

TEST_F(LogTest, LeavesOutWhatMayQuoteARecord) {
  const absl::Status said = Error(ErrorCode::kDESTINATION_REJECTED, "ada@example.com is taken");
  LogWarning("account_parked", "its runs wait", said);
  SetLogData(true);
  LogWarning("account_parked", "its runs wait", said);
  SetLogData(false);
  ASSERT_EQ(lines_.size(), 2u);
  EXPECT_THAT(lines_[0], ::testing::Not(::testing::HasSubstr("ada")));
  EXPECT_THAT(lines_[0], ::testing::HasSubstr(R"("error_code":"DESTINATION_REJECTED")"));
  EXPECT_THAT(lines_[1], ::testing::HasSubstr("its runs wait: ada@example.com is taken"));
}

TEST_F(LogTest, CountsWhatItWrites) {
  const uint64_t before = LogLines(LogLevel::kWarning);
  LogWarning("clocks_apart", "written");
  SetLogLevel(LogLevel::kError);
  LogWarning("clocks_apart", "not written");
  EXPECT_EQ(LogLines(LogLevel::kWarning), before + 1);
}

TEST_F(LogTest, WritesFromItsLevelOnAndTheLevelChangesWhileRunning) {
  LogDebug("task_begun", "hidden");
  LogInfo("serving", "shown");
  SetLogLevel(LogLevel::kDebug);
  LogDebug("task_done", "shown");
  SetLogLevel(LogLevel::kOff);
  LogError("task_failed", "hidden");
  ASSERT_EQ(lines_.size(), 2u);
  EXPECT_THAT(lines_[0], ::testing::HasSubstr(R"("service":"state","event":"serving")"));
}

TEST_F(LogTest, AnErrorSaysItsCodeAndWhoMustAct) {
  LogError("database_not_usable", "The database can't be migrated",
           Error(ErrorCode::kSCHEMA_VERSION, "it is at version 9"), {{"version", 9}});
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_THAT(lines_[0], ::testing::HasSubstr(
                             R"("message":"The database can't be migrated: it is at version 9",)"
                             R"("version":9,"error_code":"SCHEMA_VERSION","owner":"penstock")"));
}

TEST(LogLevel, IsReadByName) {
  EXPECT_EQ(*ParseLogLevel("warning"), LogLevel::kWarning);
  EXPECT_EQ(CodeOf(ParseLogLevel("loud").status()), ErrorCode::kINVALID_CONFIGURATION);
}

}  // namespace
}  // namespace penstock
