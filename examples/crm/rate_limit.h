#pragma once

#include <deque>
#include <optional>

#include "services/common/core/clock.h"

namespace penstock::crm {

// At most `requests` in any ten seconds, as HubSpot counts (TEN_SECONDLY_ROLLING); 0: no limit.
// Refused requests are not counted. Not thread-safe.
class RateLimit {
 public:
  explicit RateLimit(int requests) : requests_(requests) {}

  // Nothing: go on. Else how long to wait until there is room again.
  std::optional<Duration> Charge(BootTime now);

 private:
  int requests_;
  std::deque<BootTime> taken_;
};

}  // namespace penstock::crm
