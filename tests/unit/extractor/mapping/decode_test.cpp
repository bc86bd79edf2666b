#include "services/extractor/domain/mapping/decode.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "services/common/core/random.h"
#include "tests/unit/extractor/binary_row.h"

namespace penstock {
namespace {

using testing::BinaryRow;
using testing::Numeric;

std::string Read(WireType type, std::string_view bytes, const char* zone_name = "UTC") {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(zone_name, &zone));
  std::string scratch;
  Value value;
  if (MaybeError error = Decode(type, bytes, zone, scratch, value)) {
    EXPECT_EQ(error->code, ErrorCode::kVALUE_NOT_REPRESENTABLE);
    return "error: " + error->reason;
  }
  return value.null() ? "NULL" : std::string(value.text);
}

template <typename T>
std::string Big(T value) {
  std::string out;
  AppendBig(out, value);
  return out;
}

std::string ReadDouble(double value) {
  return Read({WireBase::kFloat8}, Big(std::bit_cast<uint64_t>(value)));
}

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kHour = 3600 * kSecond;
constexpr int64_t kDay = 24 * kHour;

TEST(Decode, GivesIntegersWithAllDigits) {
  EXPECT_EQ(Read({WireBase::kInt8}, Big(std::numeric_limits<int64_t>::min())),
            "-9223372036854775808");
}

TEST(Decode, GivesNumericsWithAllDigitsAndTheirScale) {
  WireType numeric{WireBase::kNumeric};
  EXPECT_EQ(Read(numeric, Numeric(0, 0, 0, {})), "0");
  EXPECT_EQ(Read(numeric, Numeric(0, 0, 2, {})), "0.00");
  EXPECT_EQ(Read(numeric, Numeric(0, 0x4000, 2, {12, 5000})), "-12.50");
  EXPECT_EQ(Read(numeric, Numeric(1, 0, 0, {1, 2})), "10002");
  EXPECT_EQ(Read(numeric, Numeric(2, 0, 0, {1})), "100000000")
      << "trailing zero groups are left out";
  EXPECT_EQ(Read(numeric, Numeric(-2, 0, 6, {1200})), "0.000012");
  EXPECT_EQ(Read(numeric, Numeric(4, 0, 3, {1234, 5678, 9012, 3456, 7890, 1230})),
            "12345678901234567890.123");
  EXPECT_EQ(Read(numeric, Numeric(0, 0xC000, 0, {})), "error: it is NaN");
  EXPECT_EQ(Read(numeric, Numeric(0, 0xD000, 0, {})), "error: it is infinite");
}

TEST(Decode, GivesTheShortestFloatThatReadsBack) {
  EXPECT_EQ(ReadDouble(0.1), "0.1");
  EXPECT_EQ(ReadDouble(1e300), "1e+300");
  EXPECT_EQ(Read({WireBase::kFloat4}, Big(std::bit_cast<uint32_t>(0.1f))), "0.1");
  EXPECT_EQ(ReadDouble(NAN), "error: it is NaN");
  EXPECT_EQ(ReadDouble(-INFINITY), "error: it is infinite");
}

TEST(Decode, GivesTimesInUtc) {
  EXPECT_EQ(Read({WireBase::kTimestampTz}, Big(int64_t{0})), "2000-01-01T00:00:00Z");
  EXPECT_EQ(Read({WireBase::kTimestampTz}, Big(int64_t{-1})), "1999-12-31T23:59:59.999999Z");
  EXPECT_EQ(Read({WireBase::kDate}, Big(int32_t{9584})), "2026-03-29");
  EXPECT_EQ(Read({WireBase::kDate}, Big(std::numeric_limits<int32_t>::max())),
            "error: it is an infinite date");
  EXPECT_EQ(Read({WireBase::kTimestamp}, Big(std::numeric_limits<int64_t>::min()), "Europe/Berlin"),
            "error: it is an infinite timestamp");
  EXPECT_EQ(Read({WireBase::kDate}, Big(int32_t{8000 * 366})),
            "error: its year is not one of 0000 to 9999");
}

TEST(Decode, ReadsLocalTimestampsInTheSourcesZone) {
  int64_t summer = 9679 * kDay + 12 * kHour + 5;  // 2026-07-02T12:00:00.000005
  EXPECT_EQ(Read({WireBase::kTimestamp}, Big(summer), "Europe/Berlin"),
            "2026-07-02T10:00:00.000005Z");
  EXPECT_EQ(Read({WireBase::kTimestamp}, Big(summer)), "2026-07-02T12:00:00.000005Z");
}

std::string Interval(int64_t us, int32_t days, int32_t months) {
  return Read({WireBase::kInterval}, Big(us) + Big(days) + Big(months));
}

TEST(Decode, GivesIntervalsInIso8601) {
  EXPECT_EQ(Interval(0, 0, 0), "PT0S");
  EXPECT_EQ(Interval(4 * kHour + 300 * kSecond + 6'500'000, 3, 14), "P1Y2M3DT4H5M6.5S");
  EXPECT_EQ(Interval(-500'000, 0, -1), "P-1MT-0.5S");
  constexpr int32_t kMost = std::numeric_limits<int32_t>::max();
  EXPECT_EQ(Interval(0, kMost, 1), "P1M2147483647D");
  EXPECT_EQ(Interval(std::numeric_limits<int64_t>::max(), kMost, kMost),
            "error: it is an infinite interval");
}

TEST(Decode, LeavesJsonAsItIs) {
  EXPECT_EQ(Read({WireBase::kJsonb}, std::string("\1{\"a\": 1.10}")), "{\"a\": 1.10}");
  EXPECT_EQ(Read({WireBase::kJson}, " [1, 2e400] "), "[1, 2e400]");
  EXPECT_EQ(Read({WireBase::kJson}, "null"), "NULL");
  EXPECT_EQ(Read({WireBase::kJson}, "\"caf\\u00e9 \\ud83d\\ude00\""), "café 😀");
}

TEST(Decode, GivesOthersAsText) {
  EXPECT_EQ(Read({WireBase::kUuid}, "0123456789abcdef"), "30313233-3435-3637-3839-616263646566");
  EXPECT_EQ(Read({WireBase::kBytea}, std::string("\0\377a", 3)), "AP9h");
  EXPECT_EQ(Read({WireBase::kBool}, std::string("\1")), "true");
  EXPECT_EQ(Read({WireBase::kText}, "a\xff"), "error: its text is not UTF-8");
}

std::string Array(const std::vector<int32_t>& sizes, uint32_t oid,
                  const std::vector<std::optional<std::string>>& elements) {
  std::string out = Big(static_cast<int32_t>(sizes.size())) + Big(int32_t{0}) + Big(oid);
  for (int32_t size : sizes) out += Big(size) + Big(int32_t{1});
  for (const auto& element : elements)
    out += element.has_value() ? Big(static_cast<int32_t>(element->size())) + *element
                               : Big(int32_t{-1});
  return out;
}

TEST(Decode, NestsArrays) {
  WireType text{WireBase::kText, true}, integer{WireBase::kInt8, true};
  EXPECT_EQ(Read(text, Array({}, 25, {})), "[]");
  EXPECT_EQ(Read(text, Array({3}, 25, {"a", std::nullopt, "q\""})), "[\"a\",null,\"q\\\"\"]");
  EXPECT_EQ(
      Read(integer,
           Array({2, 2}, 20, {Big(int64_t{1}), Big(int64_t{2}), Big(int64_t{3}), Big(int64_t{4})})),
      "[[1,2],[3,4]]");
}

TEST(Decode, RefusesBytesOfAnotherType) {
  EXPECT_THAT(Read({WireBase::kInt8}, "abc"), ::testing::StartsWith("error"));
  EXPECT_THAT(Read({WireBase::kNumeric}, "abc"), ::testing::StartsWith("error"));
  EXPECT_THAT(Read({WireBase::kText, true}, "abc"), ::testing::StartsWith("error"));
}

TEST(Decode, RefusesArraysThatClaimMoreElementsThanTheyHave) {
  const WireType integers{WireBase::kInt8, true};
  for (const std::vector<int32_t>& sizes :
       {std::vector<int32_t>{1 << 30}, {1 << 30, 0}, {0, 5}, {-1}, {1 << 30, 1 << 30, 1 << 30}}) {
    EXPECT_THAT(Read(integers, Array(sizes, 20, {Big(int64_t{1})})),
                ::testing::StartsWith("error"));
  }
}

TEST(Decode, SurvivesRandomBytes) {
  SeededRandom random(8);
  for (int round = 0; round < 200'000; ++round) {
    std::string bytes(random.Next() % 48, '\0');
    for (char& c : bytes) c = static_cast<char>(random.Next() % 4 == 0 ? random.Next() : 0);
    WireType type{static_cast<WireBase>(random.Next() % 14), random.Next() % 2 == 0};
    std::string text = Read(type, bytes);
    ASSERT_FALSE(text.empty() && type.base != WireBase::kText && type.base != WireBase::kBytea &&
                 type.base != WireBase::kJson && type.base != WireBase::kJsonb);
  }
}

}  // namespace
}  // namespace penstock
