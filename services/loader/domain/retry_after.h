#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "services/common/core/clock.h"

namespace penstock::loader {

// Looks a header up by its name, whatever its case; "" when there is none.
using HeaderLookup = std::function<std::string_view(std::string_view name)>;

// How long a destination asks to wait: the first that can be read of Retry-After (RFC 9110: seconds
// or a date), RateLimit-Reset (seconds) and X-RateLimit-Reset (seconds, or seconds since 1970). Not
// negative. `now` is compared with dates only.
std::optional<Duration> ReadRetryAfter(const HeaderLookup& header, WallTime now);

// RFC 9110's date, "Sun, 06 Nov 1994 08:49:37 GMT".
std::optional<WallTime> ReadHttpDate(std::string_view text);

}  // namespace penstock::loader
