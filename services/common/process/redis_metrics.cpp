#include "services/common/process/redis_metrics.h"

#include "services/common/obs/metrics.h"

namespace penstock {

RedisClient::Observe ObserveRedis(Metrics& metrics) {
  return [seconds = metrics.GetHistogram("penstock_redis_command_seconds"),
          errors = metrics.GetCounter("penstock_redis_errors_total")](std::chrono::nanoseconds took,
                                                                      bool ok) {
    if (ok)
      seconds.Observe(std::chrono::duration<double>(took).count());
    else
      errors.Add();
  };
}

}  // namespace penstock
