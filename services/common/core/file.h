#pragma once

#include <optional>
#include <string>

namespace penstock {

// The whole file, or nullopt when it can't be read (a folder can be opened, but not read).
std::optional<std::string> ReadWholeFile(const std::string& path);

}  // namespace penstock
