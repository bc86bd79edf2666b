#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>

#include "services/common/rpc/trace.h"

namespace grpc {
class CallbackServerContext;
class ClientContext;
}  // namespace grpc

namespace penstock {

// What a handler knows about the call it serves, and what its own calls inherit. Cheap to copy.
struct RpcContext {
  // Until when the caller waits; nothing: it set no deadline.
  std::optional<std::chrono::system_clock::time_point> deadline;
  Trace trace = Trace::New();
  // Who calls, as the audit names them.
  std::string caller = "api";
  // Stopped when the caller went away or its deadline passed.
  std::stop_token cancelled;

  // Reads deadline and trace of an incoming call; a call without a trace begins one.
  static RpcContext FromCall(const grpc::CallbackServerContext& call);

  // Gives an outgoing call the trace, and as deadline `timeout` from now or the caller's, whichever
  // comes first; none without both.
  void Prepare(grpc::ClientContext& call, std::optional<std::chrono::nanoseconds> timeout) const;
};

}  // namespace penstock
