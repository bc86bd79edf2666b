#include <gmock/gmock.h>

#include "tests/unit/extractor/mapping/evaluate.h"

// What docs/mapping.md has no example of: hostile values, and what is refused.
namespace penstock {
namespace {

using testing::Evaluate;
using ::testing::HasSubstr;
using testing::Rendered;
using ::testing::StartsWith;
using testing::Transformed;

constexpr size_t kMegabyte = 1 << 20;

std::string Quoted(const std::string& text) {
  return "\"" + text + "\"";
}

TEST(TextFunctions, MapLettersOneForOne) {
  EXPECT_EQ(Transformed("upper", "\"ß ŉ ǆ ı\""), "\"ß ŉ Ǆ I\"");
  EXPECT_EQ(Transformed("lower", "\"İSTANBUL ΑΣ ẞ\""), "\"istanbul ασ ß\"");
  EXPECT_EQ(Transformed("title", "\"ǆamija ßig éCOLE o'neill 3rd x_y\""),
            "\"ǅamija ßig École O'Neill 3rd X_Y\"");
  EXPECT_EQ(Transformed("title", "\"\""), "\"\"");
  EXPECT_EQ(Transformed("title", "\"日本 ω\""), "\"日本 Ω\"");
}

TEST(TextFunctions, TakeMegabytes) {
  const std::string large(4 * kMegabyte, 'a');
  EXPECT_EQ(Transformed("upper", Quoted(large)).size(), large.size() + 2);
  EXPECT_EQ(Transformed("{slice: -3}", Quoted(large)), "\"aaa\"");
  EXPECT_EQ(Transformed("sha256", Quoted(large)).size(), 66u);
  EXPECT_THAT(Transformed("e164", Quoted(large)), StartsWith("CAST_FAILED"));
  EXPECT_EQ(Transformed("{split: a}, {join: b}", Quoted(large)),
            Quoted(std::string(large.size(), 'b')));
}

TEST(TextFunctions, GrowOnlySoFar) {
  const std::string large(kMegabyte, 'a');
  const std::string filler(64, 'x');
  EXPECT_EQ(Transformed("{replace: [a, " + filler + "]}", Quoted(large)),
            "RECORD_TOO_LARGE: field \"field\": it grows over 32 MiB");
  EXPECT_EQ(Transformed("{split: a}, {join: " + filler + "}", Quoted(large)),
            "RECORD_TOO_LARGE: field \"field\": it grows over 32 MiB");
  std::string doubled = "{{ a }}";
  for (int i = 0; i < 64; ++i) doubled += "{{ a }}";
  EXPECT_EQ(Rendered(doubled, {{"a", Quoted(large)}}),
            "RECORD_TOO_LARGE: field \"field\": it grows over 32 MiB");
}

TEST(TextFunctions, SliceStaysInsideOfTheText) {
  EXPECT_EQ(Transformed("{slice: 9}", "\"abc\""), "\"\"");
  EXPECT_EQ(Transformed("{slice: [-9, 2]}", "\"abc\""), "\"ab\"");
  EXPECT_EQ(Transformed("{slice: [1, 2147483647]}", "\"äbc\""), "\"bc\"");
  EXPECT_EQ(Transformed("{slice: [0, 0]}", "\"abc\""), "\"\"");
  EXPECT_EQ(Transformed("{slice: 0}", "\"\""), "\"\"");
}

TEST(TextFunctions, TakeNumbersAsTheyAreSent) {
  EXPECT_EQ(Transformed("{replace: [\".\", \",\"]}", "12.50"), "\"12,50\"");
  EXPECT_EQ(Transformed("lower", "true"), "\"true\"");
  EXPECT_EQ(Transformed("{slice: [0, 4]}", "2026-03-29"), "\"2026\"");
}

TEST(ListFunctions, JoinNestedElementsAndRefuseObjects) {
  EXPECT_EQ(Transformed("{join: \"-\"}", R"([1.50, [2, 3], {"a": 4}, true, "\u00e9\n"])"),
            "\"1.50-[2, 3]-{\\\"a\\\": 4}-true-é\\n\"");
  EXPECT_EQ(Transformed("{join: \"\"}", "[]"), "\"\"");
  EXPECT_EQ(Transformed("{join: \"\"}", R"({"a": 1})"),
            "CAST_FAILED: field \"field\": \"join\" takes a list, and gets an object; take it out");
  EXPECT_EQ(Transformed("{split: \", \"}", "\"a, b\\\"c\""), "[\"a\",\"b\\\"c\"]");
}

TEST(JsonFunctions, KeepWhatTheyRead) {
  EXPECT_EQ(Transformed("json", "\"a\\\"b\""), R"("\"a\\\"b\"")");
  EXPECT_EQ(Transformed("json", "1.50"), "\"1.50\"");
  EXPECT_EQ(Transformed("json, parse_json", R"({"a": [1.50, null]})"), R"({"a": [1.50, null]})");
  EXPECT_EQ(Transformed("parse_json", "\"{\""), "CAST_FAILED: field \"field\": it is not JSON");
  EXPECT_EQ(Transformed("parse_json", "\"\""), "CAST_FAILED: field \"field\": it is not JSON");
  EXPECT_EQ(Transformed("parse_json", Quoted(std::string(kMegabyte, '['))),
            "CAST_FAILED: field \"field\": it is not JSON");
}

TEST(NumberFunctions, RoundExactly) {
  EXPECT_EQ(Transformed("round", "0.5"), "1");
  EXPECT_EQ(Transformed("round", "-0.4"), "0");
  EXPECT_EQ(Transformed("round", "-0.5"), "-1");
  EXPECT_EQ(Transformed("{round: 2}", "2.675"), "2.68") << "a double is less";
  EXPECT_EQ(Transformed("{round: 2}", "99.995"), "100.00");
  EXPECT_EQ(Transformed("{round: 2}", "1.5"), "1.5");
  EXPECT_EQ(Transformed("{round: 1}", "0.004"), "0.0");
  EXPECT_EQ(Transformed("{round: -1}", "4"), "0");
  EXPECT_EQ(Transformed("{round: -1}", "5"), "10");
  EXPECT_EQ(Transformed("{round: -1000}", "5"), "0");
  EXPECT_EQ(Transformed("{round: 1000}", "5"), "5");
  EXPECT_EQ(Transformed("{round: -2}", "9223372036854775807"), "9223372036854775800");
  const std::string digits(1000, '9');
  EXPECT_EQ(Transformed("round", digits + ".5"), "1" + std::string(1000, '0'));
}

TEST(NumberFunctions, TakeNumbersOfJson) {
  const auto rounded = [](const std::string& number) {
    return Evaluate("{from: value.n, transform: [{round: 1}]}",
                    {{"value", "{\"n\": " + number + "}"}});
  };
  EXPECT_EQ(rounded("1.25e3"), "1250");
  EXPECT_EQ(rounded("125e-2"), "1.3");
  EXPECT_EQ(rounded("-0"), "0");
  EXPECT_EQ(rounded("1e999999999"),
            "CAST_FAILED: field \"field\": it has more digits than can be rounded");
  EXPECT_EQ(rounded("1e99999999999999999999"),
            "CAST_FAILED: field \"field\": it has more digits than can be rounded");
  EXPECT_EQ(rounded("\"12\""),
            "CAST_FAILED: field \"field\": \"round\" takes a number, and gets a text; cast: number "
            "makes one of a text");
  EXPECT_EQ(Transformed("abs", "-9223372036854775808"), "9223372036854775808");
}

TEST(TimeFunctions, KnowZonesAndClockChanges) {
  const auto berlin = [](const std::string& time) {
    return Transformed("{date_format: [\"%H:%M %z %Z\", Europe/Berlin]}", time);
  };
  EXPECT_EQ(berlin("2026-03-29T00:59:59Z"), "\"01:59 +0100 CET\"");
  EXPECT_EQ(berlin("2026-03-29T01:00:00Z"), "\"03:00 +0200 CEST\"");
  EXPECT_EQ(berlin("2026-10-25T01:00:00Z"), "\"02:00 +0100 CET\"");
  EXPECT_EQ(Transformed("{date_format: [\"%F\", Pacific/Apia]}", "2026-03-29"), "\"2026-03-29\"");
  EXPECT_EQ(Transformed("{date_format: \"%Y %y %j %f %s %%\"}", "2026-03-29T00:00:00.000007Z"),
            "\"2026 26 088 000007 1774742400 %\"");
}

TEST(TimeFunctions, KeepToTheYears0000To9999) {
  EXPECT_EQ(Transformed("{date_format: \"%Y\"}", "0033-04-03"), "\"0033\"");
  EXPECT_EQ(Transformed("{date_format: \"%F %T\"}", "9999-12-31T23:59:59Z"),
            "\"9999-12-31 23:59:59\"");
  const std::string beyond =
      "VALUE_NOT_REPRESENTABLE: field \"field\": its year is not one of 0000 to 9999";
  EXPECT_EQ(Transformed("{date_format: [\"%F\", Europe/Berlin]}", "9999-12-31T23:59:59Z"), beyond);
  EXPECT_EQ(Transformed("to_iso8601", "253402300800"), beyond);
  EXPECT_EQ(Transformed("to_iso8601", "-62167219201"), beyond);
  EXPECT_EQ(Transformed("to_iso8601", "9223372036854775807"), beyond);
  EXPECT_EQ(Transformed("to_iso8601", "-0.5"), "\"1969-12-31T23:59:59.500000Z\"");
  EXPECT_EQ(Transformed("{to_iso8601: us}", "0"), "\"1970-01-01T00:00:00Z\"");
  EXPECT_EQ(Transformed("to_unix", "\"0000-01-01\""), "-62167219200");
  EXPECT_EQ(Transformed("{to_unix: us}", "\"1969-12-31 23:59:59.999999\""), "-1");
  EXPECT_EQ(Transformed("to_unix", "\"1969-12-31 23:59:59.5\""), "-1");
  for (const char* text : {"\"10000-01-01\"", "\"-0001-01-01\"", "\"0001-01-01 BC\"",
                           "\"infinity\"", "\"\"", "\"2026-02-30\"", "\"infinite-future\""})
    EXPECT_EQ(Transformed("to_unix", text),
              "CAST_FAILED: field \"field\": it is neither a date like 2026-03-29 nor a timestamp "
              "like 2026-03-29T10:15:00Z")
        << text;
}

TEST(NullFunctions, AreTheOnlyOnesThatSeeNull) {
  EXPECT_EQ(Transformed("trim, {slice: 1}, sha256, {hmac_sha256: \"${secret:hash_key}\"}", "null"),
            "null");
  EXPECT_EQ(Transformed("{null_if: \"\"}, {default: none}, upper", "\"\""), "\"NONE\"");
  EXPECT_EQ(Transformed("{default: 0}", "null"), "0");
  EXPECT_EQ(Transformed("{default: 1.10}", "null"), "1.10");
  EXPECT_EQ(Transformed("{default: true}", "null"), "true");
  EXPECT_EQ(Transformed("{null_if: 1}", "1.000"), "null");
  EXPECT_EQ(Transformed("{null_if: \"1\"}", "1.000"), "1.000") << "a text is compared as a text";
  EXPECT_EQ(Transformed("{null_if: \"[]\"}", "[]"), "null");
  EXPECT_EQ(Evaluate("{from: a, transform: [{coalesce: [b.x, c]}, {round: 1}]}",
                     {{"a", "null"}, {"b", "{\"x\": 1.25}"}, {"c", "2"}}),
            "1.3");
  EXPECT_EQ(
      Evaluate("{from: a, transform: [{coalesce: [[\"b.x\"]]}]}", {{"a", "null"}, {"b.x", "7"}}),
      "7");
}

TEST(ContactFunctions, SayWhatIsNoAddressAndNoNumber) {
  for (const char* text : {"\"ann\"", "\"@x\"", "\"a@\"", "\"a@b@c\"", "\"a b@c\"", "\"\""})
    EXPECT_EQ(Transformed("normalize_email", text),
              "CAST_FAILED: field \"field\": it is not an e-mail address")
        << text;
  EXPECT_EQ(Transformed("e164", "\"030 901820\""),
            "CAST_FAILED: field \"field\": it is not a phone number in international form");
  EXPECT_EQ(Transformed("{e164: de}", "\"030 901820\""), "\"+4930901820\"");
  EXPECT_EQ(Evaluate("{from: value, transform: [{e164: {region: AT, region_from: c}}]}",
                     {{"value", "15885800"}, {"c", "null"}}),
            "\"+4315885800\"")
      << "without a region of its own the constant one holds";
}

TEST(Secrets, AreResolvedAndNeverTold) {
  EXPECT_THAT(Transformed("{hmac_sha256: \"${secret:hash_key}\"}", "\"a\""), ::testing::SizeIs(66));
  EXPECT_EQ(Transformed("{hmac_sha256: \"${secret:empty}\"}", "\"a\""),
            "mapping.field.transform[0]: the secret ${secret:empty} is empty");
  EXPECT_EQ(Transformed("{hmac_sha256: \"${secret:other}\"}", "\"a\""),
            "mapping.field.transform[0]: there is no secret ${secret:other}");
}

// At apply, against the model's columns.
TEST(TypesOfFunctions, AreCheckedAlongTheChain) {
  const std::string at = "mapping.field.transform[0]: ";
  EXPECT_EQ(Transformed("round", "\"a\""),
            at + "\"round\" takes a number, and gets a text; cast: number makes one of a text");
  EXPECT_EQ(Transformed("{join: x}", "\"a\""),
            at + "\"join\" takes a list, and gets a text; split makes a list of a text");
  EXPECT_EQ(Transformed("{date_format: \"%Y\"}", "12"),
            at + "\"date_format\" takes a text, a date or a timestamp, and gets an integer; "
                 "to_iso8601 makes a timestamp of seconds since 1970");
  EXPECT_EQ(
      Transformed("{date_format: \"%Y\"}", "true"),
      at + "\"date_format\" takes a text, a date or a timestamp, and gets true or false; cast: "
           "string makes a text of it");
  EXPECT_EQ(Transformed("normalize_email", "2026-03-29"),
            at + "\"normalize_email\" takes a text, and gets a date; cast: string makes a text of "
                 "it");
  EXPECT_EQ(
      Transformed("{split: \",\"}, upper", "\"a\""),
      "mapping.field.transform[1]: \"upper\" takes anything but a list or an object, and gets "
      "a list; join makes a text of a list");
  EXPECT_EQ(Transformed("upper, abs", "1"),
            "mapping.field.transform[1]: \"abs\" takes a number, and gets a text; cast: number "
            "makes one of a text");
  EXPECT_EQ(Evaluate("{from: value, cast: number, transform: [abs]}", {{"value", "\"-1.5\""}}),
            "1.5");
  EXPECT_EQ(Rendered("a {{ value | abs }}", {{"value", "\"x\""}}),
            "mapping.field.template: \"abs\" takes a number, and gets a text; cast: number makes "
            "one of a text");
  EXPECT_EQ(Evaluate("{from: value, default: none, transform: [abs]}", {{"value", "-1"}}), "1")
      << "what may fit is found out row by row";
  EXPECT_THAT(Evaluate("{from: value, default: none, transform: [abs]}", {{"value", "null"}}),
              HasSubstr("\"abs\" takes a number, and gets a text"));
}

TEST(ColumnsOfFunctions, AreCheckedAgainstTheModel) {
  EXPECT_EQ(Transformed("{coalesce: [vlue]}", "\"a\""),
            "mapping.field.transform[0]: the model \"m\" has no column \"vlue\" (did you mean "
            "\"value\"?)");
  EXPECT_EQ(Rendered("{{ vlue }}", {{"value", "1"}}),
            "mapping.field.template: the model \"m\" has no column \"vlue\" (did you mean "
            "\"value\"?)");
  EXPECT_EQ(Rendered("{{ value.x }}", {{"value", "1"}}),
            "mapping.field.template: column \"value\" is of type int8; a path leads only into json "
            "and jsonb");
}

}  // namespace
}  // namespace penstock
