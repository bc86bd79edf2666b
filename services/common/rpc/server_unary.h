#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <memory>
#include <stop_token>
#include <utility>

#include "absl/status/statusor.h"
#include "services/common/core/status.h"
#include "services/common/rpc/rpc_context.h"
#include "services/common/rpc/rpc_status.h"

namespace penstock {

// The reactor of a unary call. Ends when `Finish` is called, deletes itself.
class UnaryReactor final : public grpc::ServerUnaryReactor {
 public:
  explicit UnaryReactor(const grpc::CallbackServerContext& call)
      : context_(RpcContext::FromCall(call)) {
    context_.cancelled = stop_.get_token();
  }
  const RpcContext& context() const { return context_; }

 private:
  void OnCancel() override { stop_.request_stop(); }
  void OnDone() override { delete this; }

  std::stop_source stop_;
  RpcContext context_;
};

// Ends a unary call, once, from any thread: done(response) or done(error). Dropped without a call
// it ends it with INTERNAL, so no caller waits for ever.
template <typename Response>
class UnaryDone {
 public:
  UnaryDone(UnaryReactor* reactor, Response* response) : reactor_(reactor), response_(response) {}
  UnaryDone(UnaryDone&& other) noexcept
      : reactor_(std::exchange(other.reactor_, nullptr)), response_(other.response_) {}
  UnaryDone& operator=(UnaryDone&&) = delete;
  ~UnaryDone() {
    if (reactor_ != nullptr)
      (*this)(Error(ErrorCode::kINTERNAL, "the call was dropped without an answer"));
  }

  void operator()(absl::StatusOr<Response> result) {
    if (result.ok()) *response_ = std::move(*result);
    std::exchange(reactor_, nullptr)->Finish(ToGrpc(result.status()));
  }

 private:
  UnaryReactor* reactor_;
  Response* response_;
};

// Serves a unary call by a function that keeps `done` and calls it later, from any thread; it must
// not block. The request stays valid until then.
//   return ServeUnary(call, request, response, [this](const Req& r, RpcContext c, auto done) {…});
template <typename Request, typename Response, typename Handler>
grpc::ServerUnaryReactor* ServeUnary(grpc::CallbackServerContext* call, const Request* request,
                                     Response* response, Handler&& handler) {
  auto* reactor = new UnaryReactor(*call);
  handler(*request, reactor->context(), UnaryDone<Response>(reactor, response));
  return reactor;
}

// Serves a unary call by a coroutine on `executor`:
//   (const Request&, RpcContext) -> asio::awaitable<absl::StatusOr<Response>>
// An exception ends the call with INTERNAL.
template <typename Request, typename Response, typename Handler>
grpc::ServerUnaryReactor* ServeUnary(grpc::CallbackServerContext* call, const Request* request,
                                     Response* response, boost::asio::any_io_executor executor,
                                     Handler handler) {
  auto* reactor = new UnaryReactor(*call);
  boost::asio::co_spawn(
      executor,
      // The handler lives in the frame of this coroutine, as long as what it captured is needed.
      [](Handler run, const Request* in,
         RpcContext context) -> boost::asio::awaitable<absl::StatusOr<Response>> {
        co_return co_await run(*in, std::move(context));
      }(std::move(handler), request, reactor->context()),
      [done = UnaryDone<Response>(reactor, response)](const std::exception_ptr& thrown,
                                                      absl::StatusOr<Response> result) mutable {
        if (thrown) {
          done(Error(ErrorCode::kINTERNAL, "the handler threw an exception"));
        } else {
          done(std::move(result));
        }
      });
  return reactor;
}

}  // namespace penstock
