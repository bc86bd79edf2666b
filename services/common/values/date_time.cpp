#include "services/common/values/date_time.h"

#include <cstdlib>
#include <limits>

#include "absl/time/civil_time.h"
#include "services/common/core/status.h"

namespace penstock {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kDay = 86'400 * kSecond;
constexpr absl::CivilDay kEpoch(2000, 1, 1);
constexpr int64_t kEpochUnixSeconds = 946'684'800;

void AppendDigits(std::string& out, int64_t value, int width) {
  char digits[8];
  for (int i = width - 1; i >= 0; --i) {
    digits[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out.append(digits, static_cast<size_t>(width));
}

bool AppendCivilDay(std::string& out, absl::CivilDay day) {
  if (day.year() < 0 || day.year() > 9999) return false;
  AppendDigits(out, day.year(), 4);
  out += '-';
  AppendDigits(out, day.month(), 2);
  out += '-';
  AppendDigits(out, day.day(), 2);
  return true;
}

ValueError OutOfYears() {
  return NotRepresentable("its year is not one of 0000 to 9999");
}

// A part of an interval with its letter, "-3D"; nothing when it is zero.
void AppendPart(std::string& out, int64_t value, char letter) {
  if (value == 0) return;
  out += std::to_string(value);
  out += letter;
}

}  // namespace

MaybeError AppendDate(std::string& out, int32_t days) {
  if (days == std::numeric_limits<int32_t>::max() || days == std::numeric_limits<int32_t>::min())
    return NotRepresentable("it is an infinite date");
  if (!AppendCivilDay(out, kEpoch + days)) return OutOfYears();
  return std::nullopt;
}

MaybeError AppendTimestamp(std::string& out, int64_t us) {
  if (us == std::numeric_limits<int64_t>::max() || us == std::numeric_limits<int64_t>::min())
    return NotRepresentable("it is an infinite timestamp");
  int64_t days = us / kDay, in_day = us % kDay;
  if (in_day < 0) {
    --days;
    in_day += kDay;
  }
  if (!AppendCivilDay(out, kEpoch + days)) return OutOfYears();
  int64_t seconds = in_day / kSecond;
  out += 'T';
  AppendDigits(out, seconds / 3600, 2);
  out += ':';
  AppendDigits(out, seconds / 60 % 60, 2);
  out += ':';
  AppendDigits(out, seconds % 60, 2);
  if (in_day % kSecond != 0) {
    out += '.';
    AppendDigits(out, in_day % kSecond, 6);
  }
  out += 'Z';
  return std::nullopt;
}

MaybeError AppendLocalTimestamp(std::string& out, int64_t us, const absl::TimeZone& zone) {
  if (zone == absl::UTCTimeZone() || us == std::numeric_limits<int64_t>::max() ||
      us == std::numeric_limits<int64_t>::min())
    return AppendTimestamp(out, us);
  int64_t seconds = us / kSecond, fraction = us % kSecond;
  if (fraction < 0) {
    --seconds;
    fraction += kSecond;
  }
  absl::Time time = zone.At(absl::CivilSecond(2000, 1, 1) + seconds).pre;
  return AppendTimestamp(out, (absl::ToUnixSeconds(time) - kEpochUnixSeconds) * kSecond + fraction);
}

MaybeError AppendInterval(std::string& out, int64_t us, int32_t days, int32_t months) {
  // Since PostgreSQL 17: all parts at their bounds. Each alone is a length like others.
  const auto at = [&](auto bound) {
    return us == bound(us) && days == bound(days) && months == bound(months);
  };
  if (at([](auto part) { return std::numeric_limits<decltype(part)>::max(); }) ||
      at([](auto part) { return std::numeric_limits<decltype(part)>::min(); }))
    return NotRepresentable("it is an infinite interval");
  if (us == 0 && days == 0 && months == 0) {
    out += "PT0S";
    return std::nullopt;
  }
  out += 'P';
  AppendPart(out, months / 12, 'Y');
  AppendPart(out, months % 12, 'M');
  AppendPart(out, days, 'D');
  if (us == 0) return std::nullopt;
  out += 'T';
  AppendPart(out, us / (3600 * kSecond), 'H');
  AppendPart(out, us / (60 * kSecond) % 60, 'M');
  int64_t seconds = us % (60 * kSecond);
  if (seconds == 0) return std::nullopt;
  if (seconds < 0) out += '-';
  seconds = std::abs(seconds);
  out += std::to_string(seconds / kSecond);
  if (seconds % kSecond != 0) {
    out += '.';
    AppendDigits(out, seconds % kSecond, 6);
    while (out.back() == '0') out.pop_back();
  }
  out += 'S';
  return std::nullopt;
}

MaybeError AppendTime(std::string& out, absl::Time time) {
  return AppendTimestamp(out, absl::ToUnixMicros(time) - kEpochUnixSeconds * kSecond);
}

bool ReadDay(std::string_view text, absl::CivilDay& out) {
  constexpr size_t kLength = 10;  // "2026-03-29"
  return text.size() == kLength && text[4] == '-' && text[7] == '-' &&
         absl::ParseCivilTime(Absl(text), &out) && out.year() >= 0;
}

bool ReadTimestamp(std::string_view text, const absl::TimeZone& zone, absl::Time& out) {
  std::string rfc3339(text);
  if (text.size() > 10 && text[10] == ' ') rfc3339[10] = 'T';
  // PostgreSQL writes "+02"; RFC 3339 wants "+02:00".
  if (size_t n = rfc3339.size(); n > 13 && (rfc3339[n - 3] == '+' || rfc3339[n - 3] == '-'))
    rfc3339 += ":00";
  std::string ignored;
  if (!absl::ParseTime("%Y-%m-%d%ET%H:%M:%E*S%Ez", rfc3339, &out, &ignored) &&
      !absl::ParseTime("%Y-%m-%d%ET%H:%M:%E*S", rfc3339, zone, &out, &ignored) &&
      !absl::ParseTime("%Y-%m-%d", rfc3339, zone, &out, &ignored))
    return false;
  const int64_t year = absl::UTCTimeZone().At(out).cs.year();
  return year >= 0 && year <= 9999;
}

bool ParseDate(std::string& out, std::string_view text) {
  absl::CivilDay day;
  if (text.size() > 10 && text[10] != 'T' && text[10] != ' ') return false;
  return ReadDay(text.substr(0, 10), day) && AppendCivilDay(out, day);
}

bool ParseTimestamp(std::string& out, std::string_view text, const absl::TimeZone& zone) {
  absl::Time time;
  return ReadTimestamp(text, zone, time) && !AppendTime(out, time).has_value();
}

}  // namespace penstock
