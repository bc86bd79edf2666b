#include "services/common/functions/date_pattern.h"

namespace penstock {
namespace {

constexpr size_t kMaxLength = 256;
// Those that mean the same in every locale and on every machine.
constexpr std::string_view kWords = "aAbBdDeFGHIjmMnpRsStTuUVwWyzZ%";

}  // namespace

std::optional<std::string> TranslateDatePattern(std::string_view pattern, std::string& problem) {
  if (pattern.empty() || pattern.size() > kMaxLength) {
    problem = "must have 1 to " + std::to_string(kMaxLength) + " characters, like %Y-%m-%d";
    return std::nullopt;
  }
  std::string out;
  for (size_t i = 0; i < pattern.size(); ++i) {
    out += pattern[i];
    if (pattern[i] != '%') continue;
    const std::string_view rest = pattern.substr(i + 1);
    if (rest.starts_with('Y')) {  // absl writes the year 33 so
      out += "E4Y";
    } else if (rest.starts_with('F')) {
      out += "E4Y-%m-%d";
    } else if (rest.starts_with('f')) {
      out += "E6f";
    } else if (rest.starts_with(":z")) {
      out += "Ez";
      ++i;
    } else if (!rest.empty() && kWords.find(rest[0]) != kWords.npos) {
      out += rest[0];
    } else {
      problem = rest.empty() ? "ends with a single %; write %% for a percent sign"
                             : "has %" + std::string(rest.substr(0, 1)) +
                                   ", which is no part of a date; see docs/mapping.md for those "
                                   "that are";
      return std::nullopt;
    }
    ++i;
  }
  return out;
}

}  // namespace penstock
