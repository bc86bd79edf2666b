#include "services/common/rpc/rpc_context.h"

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>

#include <algorithm>

namespace penstock {
namespace {
constexpr const char* kTraceHeader = "traceparent";
}

RpcContext RpcContext::FromCall(const grpc::CallbackServerContext& call) {
  RpcContext context;
  if (call.deadline() != std::chrono::system_clock::time_point::max())
    context.deadline = call.deadline();
  auto header = call.client_metadata().find(kTraceHeader);
  if (header != call.client_metadata().end()) {
    if (auto trace = Trace::Parse({header->second.data(), header->second.size()}))
      context.trace = *trace;
  }
  return context;
}

void RpcContext::Prepare(grpc::ClientContext& call,
                         std::optional<std::chrono::nanoseconds> timeout) const {
  std::optional<std::chrono::system_clock::time_point> until = deadline;
  if (timeout) {
    auto own = std::chrono::system_clock::now() +
               std::chrono::duration_cast<std::chrono::system_clock::duration>(*timeout);
    until = until ? std::min(*until, own) : own;
  }
  if (until) call.set_deadline(*until);
  call.AddMetadata(kTraceHeader, trace.Child().traceparent());
}

}  // namespace penstock
