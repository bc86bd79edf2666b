#include "services/common/config/service_value.h"

#include <charconv>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "services/common/core/status.h"
#include "services/common/core/units.h"

namespace penstock {
namespace {

absl::Status Bad(std::string_view text, std::string_view right) {
  return Error(ErrorCode::kINVALID_CONFIGURATION, fmt::format("\"{}\" is not {}", text, right));
}

template <typename T>
absl::StatusOr<T> ParseNumber(std::string_view text, std::string_view right) {
  T value{};
  const char* end = text.data() + text.size();
  // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): `end` is the size
  auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end) return Bad(text, right);
  return value;
}

}  // namespace

absl::StatusOr<std::string> ServiceValue<std::string>::Parse(std::string_view text) {
  return std::string(text);
}
std::string ServiceValue<std::string>::Show(const std::string& value) {
  return value;
}

absl::StatusOr<Secret> ServiceValue<Secret>::Parse(std::string_view text) {
  return Secret(std::string(text));
}
std::string ServiceValue<Secret>::Show(const Secret&) {
  return "";
}

absl::StatusOr<bool> ServiceValue<bool>::Parse(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return Bad(text, "true or false");
}
std::string ServiceValue<bool>::Show(const bool& value) {
  return value ? "true" : "false";
}

absl::StatusOr<int> ServiceValue<int>::Parse(std::string_view text) {
  return ParseNumber<int>(text, "a whole number");
}
std::string ServiceValue<int>::Show(const int& value) {
  return std::to_string(value);
}

absl::StatusOr<double> ServiceValue<double>::Parse(std::string_view text) {
  return ParseNumber<double>(text, "a number");
}
std::string ServiceValue<double>::Show(const double& value) {
  return fmt::format("{}", value);
}

absl::StatusOr<ByteSize> ServiceValue<ByteSize>::Parse(std::string_view text) {
  PENSTOCK_ASSIGN_OR_RETURN(uint64_t bytes, ParseByteSize(text));
  return ByteSize{bytes};
}
std::string ServiceValue<ByteSize>::Show(const ByteSize& value) {
  return FormatByteSize(value.bytes);
}

absl::StatusOr<Duration> ServiceValue<Duration>::Parse(std::string_view text) {
  return ParseDuration(text);
}
std::string ServiceValue<Duration>::Show(const Duration& value) {
  return FormatDuration(value);
}

absl::StatusOr<std::vector<std::string>> ServiceValue<std::vector<std::string>>::Parse(
    std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (item.empty()) return Bad(item, "an item; write a list as a,b,c");
    items.emplace_back(item);
  }
  return items;
}
std::string ServiceValue<std::vector<std::string>>::Show(const std::vector<std::string>& value) {
  return fmt::format("{}", fmt::join(value, ","));
}

}  // namespace penstock
