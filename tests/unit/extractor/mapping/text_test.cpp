#include <gmock/gmock.h>

#include "services/common/values/json_text.h"
#include "services/common/values/utf8.h"
#include "services/extractor/domain/mapping/cast.h"

namespace penstock {
namespace {

std::string At(std::string_view json, std::vector<std::string> path) {
  std::string scratch;
  Value value;
  MaybeError error = JsonAt(json, path, scratch, value);
  if (error.has_value()) return "error";
  return value.null() ? "NULL" : std::string(value.text);
}

TEST(JsonAt, FollowsPaths) {
  EXPECT_EQ(At(R"({"a": {"b": [1, {"c": 12345678901234567890.10}]}})", {"a", "b", "1", "c"}),
            "12345678901234567890.10");
  EXPECT_EQ(At(R"({"plan": "pro\"x"})", {"plan"}), "pro\"x");
  EXPECT_EQ(At(R"({"pl\u0061n": true})", {"plan"}), "true") << "keys may be escaped";
  EXPECT_EQ(At(R"({"a": 1, "a": 2})", {"a"}), "2") << "the last counts";
  EXPECT_EQ(At(R"({"a": [1, 2] , "b" : 3})", {"a"}), "[1, 2]");
}

TEST(JsonAt, MissingAndNullAreTheSame) {
  EXPECT_EQ(At(R"({"a": null})", {"a"}), "NULL");
  EXPECT_EQ(At(R"({"a": 1})", {"b"}), "NULL");
  EXPECT_EQ(At(R"({"a": 1})", {"a", "b"}), "NULL");
  EXPECT_EQ(At(R"([1])", {"1"}), "NULL");
  EXPECT_EQ(At(R"([1])", {"-1"}), "NULL");
  EXPECT_EQ(At("{}", {"a"}), "NULL");
  EXPECT_EQ(At("[]", {"0"}), "NULL");
}

TEST(JsonAt, RefusesHalfASurrogatePair) {
  EXPECT_EQ(At(R"("\ud83d")", {}), "error");
  EXPECT_EQ(At(R"("\ud83d\u0041")", {}), "error");
}

TEST(IsJson, KnowsTheGrammar) {
  for (std::string_view good : {"1", "-0.5e+7", "\"\\u00e9\"", "[1, {\"a\": []}]", " true ", "{}"})
    EXPECT_TRUE(IsJson(good)) << good;
  for (std::string_view bad : {"", "01", "1.", "+1", "tru", "[1,]", "{\"a\"}", "\"\n\"", "1 2",
                               "\"\\x\"", "\"", "{\"a\":1", "nan"})
    EXPECT_FALSE(IsJson(bad)) << bad;
  EXPECT_FALSE(IsJson(std::string(100'000, '['))) << "depth is bounded";
}

TEST(Utf8, KnowsWhatIsWellFormed) {
  EXPECT_TRUE(IsUtf8("aé€😀"));
  for (std::string_view bad : {"\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                               "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82"})
    EXPECT_FALSE(IsUtf8(bad));
}

TEST(Utf8, MapsTheCaseOfLatinGreekAndCyrillic) {
  std::string lower, upper;
  AppendLower(lower, "ÀÉ ΑΒΓ ДЖ X1");
  AppendUpper(upper, "àé αβγ дж ß");
  EXPECT_EQ(lower, "àé αβγ дж x1");
  EXPECT_EQ(upper, "ÀÉ ΑΒΓ ДЖ ß");
}

TEST(Utf8, TrimsUnicodeSpace) {
  EXPECT_EQ(Trim("\t\xc2\xa0 a b\xe3\x80\x80\n"), "a b");
  EXPECT_EQ(Trim("  "), "");
  EXPECT_EQ(Trim("é"), "é");
}

std::string CastTo(Cast cast, Value value) {
  std::string scratch;
  MaybeError error = ApplyCast(cast, absl::UTCTimeZone(), scratch, value);
  return error.has_value() ? "error" : std::string(value.text);
}

TEST(ApplyCast, TurnsTextIntoWhatItSays) {
  auto text = [](std::string_view t) { return Value{Value::Kind::kText, t}; };
  EXPECT_EQ(CastTo(Cast::kInteger, text(" -007.0 ")), "-7");
  EXPECT_EQ(CastTo(Cast::kInteger, text("1.5")), "error");
  EXPECT_EQ(CastTo(Cast::kInteger, text("")), "error");
  EXPECT_EQ(CastTo(Cast::kInteger, {Value::Kind::kNumber, "12.00"}), "12");
  EXPECT_EQ(CastTo(Cast::kNumber, text("+.50")), "0.50");
  EXPECT_EQ(CastTo(Cast::kNumber, text("1e5")), "1e5");
  EXPECT_EQ(CastTo(Cast::kNumber, text("1,5")), "error");
  EXPECT_EQ(CastTo(Cast::kBoolean, text(" Yes")), "true");
  EXPECT_EQ(CastTo(Cast::kBoolean, {Value::Kind::kInteger, "0"}), "false");
  EXPECT_EQ(CastTo(Cast::kBoolean, text("maybe")), "error");
  EXPECT_EQ(CastTo(Cast::kJson, text("{\"a\":1}")), "{\"a\":1}");
  EXPECT_EQ(CastTo(Cast::kJson, text("{a}")), "error");
  EXPECT_EQ(CastTo(Cast::kDate, text("2026-03-29T10:15:00Z")), "2026-03-29");
  EXPECT_EQ(CastTo(Cast::kDate, text("2026-02-30")), "error");
  EXPECT_EQ(CastTo(Cast::kTimestamp, text("2026-03-29 12:15:00.5+02")),
            "2026-03-29T10:15:00.500000Z");
  EXPECT_EQ(CastTo(Cast::kTimestamp, text("2026-03-29")), "2026-03-29T00:00:00Z");
  EXPECT_EQ(CastTo(Cast::kTimestamp, text("infinite-future")), "error");
  EXPECT_EQ(CastTo(Cast::kString, {Value::Kind::kInteger, "5"}), "5");
}

}  // namespace
}  // namespace penstock
