#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "services/common/rpc/read_gate.h"
#include "services/common/rpc/rpc_context.h"
#include "services/common/rpc/rpc_status.h"

namespace penstock {

// The server's side of a call that sends many messages and gets one answer. Handlers as
// ServerBidi's.
template <typename Request, typename Response>
class ServerUpload final : public grpc::ServerReadReactor<Request>,
                           public std::enable_shared_from_this<ServerUpload<Request, Response>> {
 public:
  using Ptr = std::shared_ptr<ServerUpload>;
  struct Handlers {
    std::function<void(const Ptr&, Request)> message;
    // All messages were handled: answer now. Also called when the caller went away in the middle,
    // so the content itself must say that it is complete.
    std::function<void(const Ptr&)> complete;
  };

  // Return the object (get()) from the service's method.
  static Ptr Start(const grpc::CallbackServerContext& call, Response* response, Handlers handlers) {
    auto upload = Ptr(new ServerUpload(call, response, std::move(handlers)));
    upload->self_ = upload;
    upload->StartRead(&upload->incoming_);
    return upload;
  }
  const RpcContext& context() const { return context_; }

  void PauseReading() { gate_.Pause(); }
  void ResumeReading() {
    if (gate_.Resume()) this->StartRead(&incoming_);
  }

  // Answers, also before all was read; the first call counts.
  void End(absl::StatusOr<Response> result) {
    if (ended_.exchange(true)) return;
    if (result.ok()) *response_ = std::move(*result);
    this->Finish(ToGrpc(result.status()));
  }

 private:
  ServerUpload(const grpc::CallbackServerContext& call, Response* response, Handlers handlers)
      : context_(RpcContext::FromCall(call)), response_(response), handlers_(std::move(handlers)) {}

  void OnReadDone(bool ok) override {
    if (!ok) {
      handlers_.complete(this->shared_from_this());
      return;
    }
    handlers_.message(this->shared_from_this(), std::move(incoming_));
    incoming_ = Request();
    if (!ended_ && gate_.Handled()) this->StartRead(&incoming_);
  }
  void OnCancel() override { End(absl::CancelledError("the caller went away")); }
  void OnDone() override { self_.reset(); }

  const RpcContext context_;
  Response* const response_;
  const Handlers handlers_;
  ReadGate gate_;
  Request incoming_;
  std::atomic<bool> ended_ = false;
  Ptr self_;
};

}  // namespace penstock
