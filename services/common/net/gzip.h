#pragma once

#include <string>
#include <string_view>

namespace penstock {

// RFC 1952, at zlib's fastest level: whoever calls it serves many others on the same thread.
std::string Gzip(std::string_view data);

}  // namespace penstock
