#pragma once

#include <string_view>

namespace penstock {

// The release that this build belongs to; CMakeLists.txt names it too.
inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace penstock
