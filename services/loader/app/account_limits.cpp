#include "services/loader/app/account_limits.h"

#include <algorithm>
#include <chrono>

namespace penstock::loader {
namespace {

constexpr auto kLongestInRedis = std::chrono::minutes(1);

int64_t Ours(int64_t limit, double share) {
  // 29 % of 100 is 29, though 0.29 is a little less.
  constexpr double kRounding = 1e-6;
  return std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(limit) * share + kRounding));
}

}  // namespace

AccountLimits LimitsOf(const Quotas& quotas) {
  AccountLimits out;
  for (const auto& [name, quota] : quotas) {
    if (quota.concurrency > 0) {
      out.slots.push_back({name, Ours(quota.concurrency, quota.share)});
    } else {
      auto& windows = quota.per > kLongestInRedis ? out.long_windows : out.windows;
      windows.push_back({name, Ours(quota.requests, quota.share), quota.per});
    }
  }
  return out;
}

}  // namespace penstock::loader
