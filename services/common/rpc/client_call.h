#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "absl/status/statusor.h"
#include "services/common/core/error_codes.h"
#include "services/common/rpc/client_options.h"
#include "services/common/rpc/rpc_status.h"

namespace penstock {

// Calls a unary method and tells the result on one of gRPC's threads, which `done` must not block.
//   CallUnary(stub->async(), &Tasks::StubInterface::async_interface::Heartbeat, request, options,
//             [](absl::StatusOr<HeartbeatResponse> response) {…});
// The stub outlives the call.
template <typename Async, typename Request, typename Response, typename Done>
void CallUnary(std::type_identity_t<Async>* async,
               void (Async::*method)(grpc::ClientContext*, const Request*, Response*,
                                     std::function<void(grpc::Status)>),
               std::type_identity_t<Request> request, const ClientCallOptions& options,
               Done&& done) {
  struct Call {
    grpc::ClientContext context;
    Request request;
    Response response;
    ErrorCode unavailable;
    std::decay_t<Done> done;
  };
  auto call = std::shared_ptr<Call>(
      new Call{{}, std::move(request), {}, options.unavailable, std::forward<Done>(done)});
  options.Apply(call->context);
  (async->*method)(&call->context, &call->request, &call->response,
                   [call](const grpc::Status& status) {
                     if (status.ok()) {
                       call->done(absl::StatusOr<Response>(std::move(call->response)));
                     } else {
                       call->done(absl::StatusOr<Response>(FromGrpc(status, call->unavailable)));
                     }
                   });
}

// The same for a coroutine, which goes on where it ran:
//   co_await CallUnary(stub->async(), &…::async_interface::Heartbeat, request, options)
template <typename Async, typename Request, typename Response>
boost::asio::awaitable<absl::StatusOr<Response>> CallUnary(
    std::type_identity_t<Async>* async,
    void (Async::*method)(grpc::ClientContext*, const Request*, Response*,
                          std::function<void(grpc::Status)>),
    std::type_identity_t<Request> request, ClientCallOptions options) {
  namespace asio = boost::asio;
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>,
                                          void(absl::StatusOr<Response>)>(
      [&](auto handler) {
        auto executor = asio::get_associated_executor(handler);
        CallUnary(
            async, method, std::move(request), options,
            [handler = std::move(handler), executor](absl::StatusOr<Response> result) mutable {
              asio::post(executor,
                         [handler = std::move(handler), result = std::move(result)]() mutable {
                           std::move(handler)(std::move(result));
                         });
            });
      },
      asio::use_awaitable);
}

}  // namespace penstock
