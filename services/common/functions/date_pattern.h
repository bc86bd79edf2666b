#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace penstock {

// A date's pattern in the words of strftime (%Y-%m-%d; %f: six digits of a second) turned into
// absl::FormatTime's; nullopt, with `problem`, when it holds another word.
std::optional<std::string> TranslateDatePattern(std::string_view pattern, std::string& problem);

}  // namespace penstock
