#include "services/common/redis/redis_errors.h"

#include "fmt/format.h"
#include "services/common/core/status.h"

namespace penstock {

absl::Status ServerCondition(const RedisReply& reply) {
  if (!reply.IsError()) return absl::OkStatus();
  for (const char* word : {"OOM", "READONLY", "MISCONF", "NOREPLICAS"}) {
    if (reply.IsError(word)) {
      return Error(ErrorCode::kQUEUE_FULL,
                   fmt::format("Redis takes no writes: {}; work waits until it does", reply.text));
    }
  }
  for (const char* word :
       {"LOADING", "MASTERDOWN", "BUSY", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK", "UNBLOCKED"}) {
    if (reply.IsError(word))
      return Error(ErrorCode::kQUEUE_UNAVAILABLE,
                   fmt::format("Redis can't serve now: {}", reply.text));
  }
  for (const char* word : {"NOAUTH", "WRONGPASS", "NOPERM"}) {
    if (reply.IsError(word)) {
      return Error(ErrorCode::kQUEUE_UNAVAILABLE,
                   fmt::format("Redis refuses this service's user: {}; check the credentials of "
                               "--redis-url and the user's ACL",
                               reply.text));
    }
  }
  return absl::OkStatus();
}

}  // namespace penstock
