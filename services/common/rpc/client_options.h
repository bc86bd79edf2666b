#pragma once

#include <chrono>
#include <optional>

#include "services/common/core/error_codes.h"
#include "services/common/rpc/rpc_context.h"

namespace penstock {

// How to make a call.
struct ClientCallOptions {
  // Of the whole call; nothing: without limit, for streams that live long.
  std::optional<std::chrono::nanoseconds> timeout = std::chrono::seconds(10);
  // The call that this one serves: gives its trace and its deadline.
  RpcContext parent = {};
  // Wait for a reachable replica, up to the deadline, instead of failing at once.
  bool wait_for_ready = true;
  // The code of an error that comes from no service: not reached, no answer in time.
  ErrorCode unavailable = ErrorCode::kSTATE_UNAVAILABLE;

  void Apply(grpc::ClientContext& call) const;
};

}  // namespace penstock
