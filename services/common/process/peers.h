#pragma once

#include "absl/status/statusor.h"
#include "services/common/config/service_settings.h"
#include "services/common/redis/redis_options.h"
#include "services/common/rpc/rpc_tls.h"

namespace penstock {

// What a service's settings say of those that it calls, as their clients take it.
TlsFiles PeerTlsFiles(const PeerTlsSettings& settings);
// Errors are those of ParseRedisUrl().
absl::StatusOr<RedisOptions> RedisOptionsOf(const RedisSettings& settings);

}  // namespace penstock
