#include "services/common/core/units.h"

#include <charconv>
#include <limits>

#include "fmt/format.h"
#include "services/common/core/status.h"

namespace penstock {
namespace {

struct Unit {
  std::string_view name;
  uint64_t size;
};

// Durations in milliseconds; largest first.
constexpr Unit kTimes[] = {
    {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}};
constexpr Unit kSizes[] = {{"TiB", 1ULL << 40},
                           {"TB", 1'000'000'000'000},
                           {"GiB", 1ULL << 30},
                           {"GB", 1'000'000'000},
                           {"MiB", 1ULL << 20},
                           {"MB", 1'000'000},
                           {"KiB", 1ULL << 10},
                           {"kB", 1000},
                           {"B", 1},
                           {"", 1}};
constexpr uint64_t kMaxMilliseconds = std::numeric_limits<int64_t>::max() / 1'000'000;

// Takes a whole number off the front; false when there is none or it doesn't fit.
bool TakeNumber(std::string_view& text, uint64_t& number) {
  auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(rest - text.data()));
  return true;
}

}  // namespace

absl::StatusOr<Duration> ParseDuration(std::string_view text) {
  auto bad = [whole = text] {
    return Error(
        ErrorCode::kINVALID_REQUEST,
        fmt::format("\"{}\" is no duration; write it like 250ms, 30s, 5m, 1h30m or 2d", whole));
  };
  if (text == "0") return Duration(0);
  if (text.empty()) return bad();
  uint64_t total = 0;
  const Unit* next = std::begin(kTimes);
  while (!text.empty()) {
    uint64_t number = 0;
    if (!TakeNumber(text, number)) return bad();
    size_t letters = std::min(text.find_first_of("0123456789"), text.size());
    while (next != std::end(kTimes) && next->name != text.substr(0, letters)) ++next;
    if (next == std::end(kTimes) || number > kMaxMilliseconds / next->size) return bad();
    total += number * next->size;
    if (total > kMaxMilliseconds) return bad();
    ++next;
    text.remove_prefix(letters);
  }
  return std::chrono::milliseconds(total);
}

std::string FormatDuration(Duration duration) {
  auto left = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
  std::string out;
  for (const Unit& unit : kTimes) {
    if (left < unit.size) continue;
    out += fmt::format("{}{}", left / unit.size, unit.name);
    left %= unit.size;
  }
  return out.empty() ? "0" : out;
}

absl::StatusOr<uint64_t> ParseByteSize(std::string_view text) {
  auto bad = [whole = text] {
    return Error(ErrorCode::kINVALID_REQUEST,
                 fmt::format("\"{}\" is no size; write it like 4096, 500kB, 64MB or 1GiB", whole));
  };
  uint64_t number = 0;
  if (!TakeNumber(text, number)) return bad();
  if (text.starts_with(' ')) text.remove_prefix(1);
  for (const Unit& unit : kSizes) {
    if (unit.name != text) continue;
    if (number > std::numeric_limits<int64_t>::max() / unit.size) return bad();
    return number * unit.size;
  }
  return bad();
}

std::string FormatByteSize(uint64_t bytes) {
  for (const Unit& unit : kSizes) {
    if (bytes >= unit.size && bytes % unit.size == 0)
      return fmt::format("{}{}", bytes / unit.size, unit.size == 1 ? "" : unit.name);
  }
  return "0";
}

}  // namespace penstock
