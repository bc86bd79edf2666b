#pragma once

#include "absl/status/status.h"
#include "services/common/redis/redis_reply.h"

namespace penstock {

// The Status of an error reply that says something about the server as a whole:
//   OOM, READONLY, MISCONF, NOREPLICAS (it takes no writes now) -> QUEUE_FULL, which is
//   back-pressure;
//   LOADING, MASTERDOWN, BUSY, CLUSTERDOWN, NOAUTH, WRONGPASS, NOPERM and the like ->
//   QUEUE_UNAVAILABLE.
// OK for every other reply: NOSCRIPT, BUSYGROUP, WRONGTYPE or a script's own error is an answer for
// the caller to judge.
absl::Status ServerCondition(const RedisReply& reply);

}  // namespace penstock
