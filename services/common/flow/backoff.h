#pragma once

#include <cstdint>

#include "services/common/core/clock.h"
#include "services/common/core/random.h"

namespace penstock {

struct BackoffOptions {
  Duration base = std::chrono::milliseconds(500);
  Duration cap = std::chrono::seconds(30);
};

// A wait the destination asks for beyond this is no pause of a lane but parks its runs.
inline constexpr Duration kLongestPause = std::chrono::minutes(5);

// Full jitter: uniform in [0, min(cap, base * 2^failures)), `failures` counted from 0.
Duration FullJitter(uint32_t failures, Random& random, const BackoffOptions& options = {});

// What is waited when a destination asks for `asked`: uniform in [asked, 1.5 * asked), so that
// those who were sent away together do not come back together. Never less than asked.
Duration SpreadRetryAfter(Duration asked, Random& random);

}  // namespace penstock
