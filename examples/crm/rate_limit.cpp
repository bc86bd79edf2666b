#include "examples/crm/rate_limit.h"

namespace penstock::crm {
namespace {

constexpr std::chrono::seconds kWindow{10};

}  // namespace

std::optional<Duration> RateLimit::Charge(BootTime now) {
  if (requests_ == 0) return std::nullopt;
  while (!taken_.empty() && taken_.front() + kWindow <= now) taken_.pop_front();
  if (taken_.size() >= static_cast<size_t>(requests_)) return taken_.front() + kWindow - now;
  taken_.push_back(now);
  return std::nullopt;
}

}  // namespace penstock::crm
