#pragma once

#include "services/common/redis/redis_client.h"

namespace penstock {

class Metrics;

// Counts commands as penstock_redis_command_seconds and penstock_redis_errors_total. `metrics`
// outlives every call to Redis.
RedisClient::Observe ObserveRedis(Metrics& metrics);

}  // namespace penstock
