#include "services/loader/domain/retry_after.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "absl/time/time.h"

namespace penstock::loader {
namespace {

// Larger numbers are a time since 1970, smaller ones a length.
constexpr double kSmallestEpoch = 1e9;
constexpr double kLongest = 366.0 * 86'400;

std::optional<double> Number(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

double SecondsSince1970(WallTime now) {
  return static_cast<double>(now.time_since_epoch().count()) / 1e6;
}

Duration Wait(double seconds) {
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(std::clamp(seconds, 0.0, kLongest)));
}

}  // namespace

std::optional<WallTime> ReadHttpDate(std::string_view text) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", {text.data(), text.size()}, &time, &error)) {
    return std::nullopt;
  }
  return WallTime(std::chrono::seconds(absl::ToUnixSeconds(time)));
}

std::optional<Duration> ReadRetryAfter(const HeaderLookup& header, WallTime now) {
  const std::string_view retry_after = header("Retry-After");
  if (const auto seconds = Number(retry_after)) return Wait(*seconds);
  if (const auto date = ReadHttpDate(retry_after)) {
    return Wait(SecondsSince1970(*date) - SecondsSince1970(now));
  }
  for (const char* name : {"RateLimit-Reset", "X-RateLimit-Reset"}) {
    if (const auto number = Number(header(name))) {
      return Wait(*number >= kSmallestEpoch ? *number - SecondsSince1970(now) : *number);
    }
  }
  return std::nullopt;
}

}  // namespace penstock::loader
