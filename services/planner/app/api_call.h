#pragma once

#include <grpcpp/server_context.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "services/common/core/status.h"
#include "services/common/rpc/rpc_context.h"
#include "services/common/rpc/server_unary.h"
#include "services/planner/app/api_tokens.h"

namespace penstock::planner {

// By what the services of the public API serve: where their handlers run, and who may call. Cheap
// to copy.
struct ApiAccess {
  boost::asio::any_io_executor executor;
  ApiTokens* tokens = nullptr;  // outlives the services; nullptr: anyone may call

  // The caller's name for the audit; UNAUTHENTICATED when it may not call.
  absl::StatusOr<std::string> Admit(const grpc::CallbackServerContext& call) const;
};

// Serves a unary call of the public API by a coroutine, as ServeUnary() does, if its caller may:
//   (const Request&, RpcContext) -> asio::awaitable<absl::StatusOr<Response>>
template <typename Request, typename Response, typename Handler>
grpc::ServerUnaryReactor* ServeApi(grpc::CallbackServerContext* call, const Request* request,
                                   Response* response, const ApiAccess& access, Handler handler) {
  return ServeUnary(call, request, response, access.executor,
                    [caller = access.Admit(*call), handler = std::move(handler)](
                        const Request& in,
                        RpcContext context) -> boost::asio::awaitable<absl::StatusOr<Response>> {
                      if (!caller.ok()) co_return caller.status();
                      context.caller = *caller;
                      co_return co_await handler(in, std::move(context));
                    });
}

}  // namespace penstock::planner
