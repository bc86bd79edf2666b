#pragma once

#include <string>
#include <string_view>

namespace penstock {

// The release that this build belongs to; CMakeLists.txt names it too.
inline constexpr std::string_view kVersion = "0.1.0";

// The commit that it was built from, "unknown" where nobody said: CMake's PENSTOCK_REVISION.
std::string_view Revision();

// "0.1.0 (revision 0123456789ab)", as `--version` prints it.
std::string VersionText();

}  // namespace penstock
