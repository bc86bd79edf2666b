#pragma once

#include <vector>

#include "services/common/model/resources.h"
#include "services/common/queue/quota.h"

namespace penstock::loader {

// The limits of an account, less what they leave to others. Each is 1 at least.
struct AccountLimits {
  std::vector<QuotaWindow> windows;       // up to a minute: counted in Redis
  std::vector<QuotaWindow> long_windows;  // longer: counted by state, which survives
  std::vector<QuotaSlots> slots;

  bool has_windows() const { return !windows.empty() || !long_windows.empty(); }
};
AccountLimits LimitsOf(const Quotas& quotas);

}  // namespace penstock::loader
