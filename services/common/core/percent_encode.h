#pragma once

#include <string>
#include <string_view>

namespace penstock {

// Encodes for one segment of a path or one value of a query: all but RFC 3986's unreserved.
std::string PercentEncode(std::string_view text);

}  // namespace penstock
