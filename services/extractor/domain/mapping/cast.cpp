#include "services/extractor/domain/mapping/cast.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "services/common/core/status.h"
#include "services/common/values/date_time.h"
#include "services/common/values/json_text.h"
#include "services/common/values/utf8.h"

namespace penstock {
namespace {

bool AllDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Splits "-12.50" into its sign and parts; false when it is not of that form. Exponents are left
// to JSON's own numbers.
struct Decimal {
  bool negative = false;
  std::string_view whole, fraction;
};

bool ReadDecimal(std::string_view text, Decimal& out) {
  text = Trim(text);
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    out.negative = text.front() == '-';
    text.remove_prefix(1);
  }
  size_t point = text.find('.');
  out.whole = text.substr(0, point);
  out.fraction = point == text.npos ? std::string_view() : text.substr(point + 1);
  if (!(out.whole.empty() || AllDigits(out.whole))) return false;
  if (!(out.fraction.empty() || AllDigits(out.fraction))) return false;
  if (out.whole.empty() && out.fraction.empty()) return false;
  while (out.whole.size() > 1 && out.whole.front() == '0') out.whole.remove_prefix(1);
  if (out.whole.empty()) out.whole = "0";
  return true;
}

MaybeError ToInteger(std::string& scratch, Value& value) {
  if (value.kind == Value::Kind::kInteger) return std::nullopt;
  Decimal decimal;
  if (value.kind == Value::Kind::kBoolean || value.kind == Value::Kind::kJson ||
      !ReadDecimal(value.text, decimal) ||
      decimal.fraction.find_first_not_of('0') != std::string_view::npos)
    return CastFailed("it is not a whole number");
  scratch = decimal.negative && decimal.whole != "0" ? "-" : "";
  scratch += decimal.whole;
  value = {Value::Kind::kInteger, scratch};
  return std::nullopt;
}

MaybeError ToNumber(std::string& scratch, Value& value) {
  if (value.kind == Value::Kind::kInteger || value.kind == Value::Kind::kNumber)
    return std::nullopt;
  if (value.kind != Value::Kind::kText) return CastFailed("it is not a number");
  Decimal decimal;
  if (ReadDecimal(value.text, decimal)) {
    scratch = decimal.negative ? "-" : "";
    scratch += decimal.whole;
    if (!decimal.fraction.empty()) (scratch += '.') += decimal.fraction;
    value = {decimal.fraction.empty() ? Value::Kind::kInteger : Value::Kind::kNumber, scratch};
    return std::nullopt;
  }
  std::string_view text = Trim(value.text);
  if (text.empty() || text.find_first_not_of("0123456789.eE+-") != text.npos || !IsJson(text))
    return CastFailed("it is not a number");
  value = {Value::Kind::kNumber, text};
  return std::nullopt;
}

MaybeError ToBoolean(Value& value) {
  if (value.kind == Value::Kind::kBoolean) return std::nullopt;
  constexpr std::array<std::string_view, 6> kTrue = {"true", "t", "yes", "y", "on", "1"};
  constexpr std::array<std::string_view, 6> kFalse = {"false", "f", "no", "n", "off", "0"};
  std::string word = absl::AsciiStrToLower(Absl(Trim(value.text)));
  bool is_true = std::find(kTrue.begin(), kTrue.end(), word) != kTrue.end();
  if (value.kind == Value::Kind::kJson || value.kind == Value::Kind::kNumber ||
      (!is_true && std::find(kFalse.begin(), kFalse.end(), word) == kFalse.end()))
    return CastFailed("it is neither true nor false");
  value = {Value::Kind::kBoolean, is_true ? "true" : "false"};
  return std::nullopt;
}

MaybeError ToJson(std::string& scratch, Value& value) {
  if (value.kind != Value::Kind::kText) return std::nullopt;
  if (!IsJson(value.text)) return CastFailed("it is not JSON");
  return JsonAt(value.text, {}, scratch, value);
}

bool IsMoment(WireBase base) {
  return base == WireBase::kDate || base == WireBase::kTimestamp || base == WireBase::kTimestampTz;
}

bool IsNumber(WireBase base) {
  return base == WireBase::kInt8 || base == WireBase::kFloat4 || base == WireBase::kFloat8 ||
         base == WireBase::kNumeric;
}

}  // namespace

std::string_view Name(Cast cast) {
  constexpr std::array<std::string_view, 8> kNames = {"none",    "string", "integer", "number",
                                                      "boolean", "json",   "date",    "timestamp"};
  return kNames[static_cast<size_t>(cast)];
}

bool CanCast(const WireType& from, Cast to) {
  if (to == Cast::kNone || to == Cast::kString) return true;
  if (from.array) return to == Cast::kJson;
  // What such a value holds is known only when it is read.
  if (from.base == WireBase::kText || from.base == WireBase::kJson || from.base == WireBase::kJsonb)
    return true;
  switch (to) {
    case Cast::kInteger:
    case Cast::kNumber:
      return IsNumber(from.base);
    case Cast::kBoolean:
      return from.base == WireBase::kBool || from.base == WireBase::kInt8;
    case Cast::kDate:
    case Cast::kTimestamp:
      return IsMoment(from.base);
    default:
      return IsNumber(from.base) || from.base == WireBase::kBool;
  }
}

MaybeError ApplyCast(Cast cast, const absl::TimeZone& zone, std::string& scratch, Value& value) {
  switch (cast) {
    case Cast::kNone:
      return std::nullopt;
    case Cast::kString:
      value.kind = Value::Kind::kText;
      return std::nullopt;
    case Cast::kInteger:
      return ToInteger(scratch, value);
    case Cast::kNumber:
      return ToNumber(scratch, value);
    case Cast::kBoolean:
      return ToBoolean(value);
    case Cast::kJson:
      return ToJson(scratch, value);
    case Cast::kDate:
      scratch.clear();
      if (value.kind != Value::Kind::kText || !ParseDate(scratch, Trim(value.text)))
        return CastFailed("it is not a date like 2026-03-29");
      value = {Value::Kind::kText, scratch};
      return std::nullopt;
    case Cast::kTimestamp:
      scratch.clear();
      if (value.kind != Value::Kind::kText || !ParseTimestamp(scratch, Trim(value.text), zone))
        return CastFailed("it is not a timestamp like 2026-03-29T10:15:00Z");
      value = {Value::Kind::kText, scratch};
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace penstock
