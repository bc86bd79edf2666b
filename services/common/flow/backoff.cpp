#include "services/common/flow/backoff.h"

#include <algorithm>

namespace penstock {
namespace {

Duration Scale(Duration d, double factor) {
  return Duration(static_cast<Duration::rep>(static_cast<double>(d.count()) * factor));
}

}  // namespace

Duration FullJitter(uint32_t failures, Random& random, const BackoffOptions& options) {
  const double doubled = static_cast<double>(options.base.count()) *
                         static_cast<double>(1ULL << std::min(failures, 40u));
  const double ceiling = std::min(static_cast<double>(options.cap.count()), doubled);
  return Duration(static_cast<Duration::rep>(ceiling * random.Uniform()));
}

Duration SpreadRetryAfter(Duration asked, Random& random) {
  return std::max(asked, Scale(asked, 1 + 0.5 * random.Uniform()));
}

}  // namespace penstock
