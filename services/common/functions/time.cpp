#include <charconv>
#include <optional>

#include "absl/time/civil_time.h"
#include "services/common/core/status.h"
#include "services/common/functions/implementations.h"
#include "services/common/values/date_time.h"
#include "services/common/values/decimal.h"

namespace penstock::functions {
namespace {

ValueError NoTime() {
  return CastFailed(
      "it is neither a date like 2026-03-29 nor a timestamp like "
      "2026-03-29T10:15:00Z");
}

// A tick is the least step of a unit; there are `per_second` of them.
std::optional<absl::Time> FromUnix(std::string_view number, int64_t per_second) {
  constexpr int64_t kMicrosPerSecond = 1'000'000;
  Decimal ticks;
  if (!ReadDecimal(number, ticks)) return std::nullopt;
  for (int64_t scale = per_second; scale < kMicrosPerSecond; scale *= 10) ++ticks.point;
  if (ticks.zero()) return absl::UnixEpoch();
  Round(ticks, 0);
  std::string text;
  AppendDecimal(text, ticks);
  int64_t micros = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), micros);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return absl::FromUnixMicros(micros);
}

}  // namespace

MaybeError DateFormat(const FunctionCall& call, Value& value, std::string& out) {
  const absl::TimeZone& zone = call.arguments[1].zone;
  // A date is a day everywhere; only an instant is another one elsewhere.
  absl::CivilDay day;
  absl::Time time;
  if (ReadDay(value.text, day)) {
    time = absl::FromCivil(day, zone);
  } else if (!ReadTimestamp(value.text, call.zone, time)) {
    return NoTime();
  }
  if (const int64_t year = zone.At(time).cs.year(); year < 0 || year > 9999)
    return NotRepresentable("its year is not one of 0000 to 9999");
  out = absl::FormatTime(call.arguments[0].text, time, zone);
  value = {Value::Kind::kText, out};
  return std::nullopt;
}

MaybeError ToUnix(const FunctionCall& call, Value& value, std::string& out) {
  absl::Time time;
  if (!ReadTimestamp(value.text, call.zone, time)) return NoTime();
  const int64_t per_second = call.arguments[0].number;
  out = std::to_string(per_second == 1       ? absl::ToUnixSeconds(time)
                       : per_second == 1'000 ? absl::ToUnixMillis(time)
                                             : absl::ToUnixMicros(time));
  value = {Value::Kind::kInteger, out};
  return std::nullopt;
}

MaybeError ToIso8601(const FunctionCall& call, Value& value, std::string& out) {
  absl::Time time;
  if (value.kind == Value::Kind::kText) {
    if (!ReadTimestamp(value.text, call.zone, time)) return NoTime();
  } else if (std::optional<absl::Time> read = FromUnix(value.text, call.arguments[0].number)) {
    time = *read;
  } else {
    return NotRepresentable("its year is not one of 0000 to 9999");
  }
  if (MaybeError error = AppendTime(out, time)) return error;
  value = {Value::Kind::kText, out};
  return std::nullopt;
}

}  // namespace penstock::functions
