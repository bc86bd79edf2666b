#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "services/common/rpc/client_options.h"
#include "services/common/rpc/read_gate.h"
#include "services/common/rpc/rpc_status.h"

namespace penstock {

// The client's side of a call that is answered by many messages. Handlers are called by gRPC's
// threads and must not block; `done` is the last. The object lives until then by itself.
// Thread-safe.
template <typename Request, typename Response>
class ClientStream final : public grpc::ClientReadReactor<Response> {
 public:
  using Ptr = std::shared_ptr<ClientStream>;
  struct Handlers {
    std::function<void(Response)> message;
    std::function<void(absl::Status)> done;
  };

  // `begin` calls the method: [&](auto* context, auto* request, auto* reactor) {
  //   stub->async()->WatchRun(context, request, reactor); }
  template <typename Begin>
  static Ptr Start(Begin&& begin, Request request, const ClientCallOptions& options,
                   Handlers handlers) {
    auto stream =
        Ptr(new ClientStream(std::move(request), options.unavailable, std::move(handlers)));
    stream->self_ = stream;
    options.Apply(stream->context_);
    begin(&stream->context_, &stream->request_,
          static_cast<grpc::ClientReadReactor<Response>*>(stream.get()));
    // Reads may begin outside of gRPC's reactions: the call must not end between them.
    stream->AddHold();
    stream->StartRead(&stream->incoming_);
    stream->StartCall();
    return stream;
  }

  void Cancel() { context_.TryCancel(); }

  // As ClientBidi's.
  void PauseReading() { gate_.Pause(); }
  void ResumeReading() {
    if (gate_.Resume()) this->StartRead(&incoming_);
  }

 private:
  ClientStream(Request request, ErrorCode unavailable, Handlers handlers)
      : request_(std::move(request)), unavailable_(unavailable), handlers_(std::move(handlers)) {}

  void OnReadDone(bool ok) override {
    if (!ok) {
      this->RemoveHold();
      return;
    }
    handlers_.message(std::move(incoming_));
    incoming_ = Response();
    if (gate_.Handled()) this->StartRead(&incoming_);
  }
  void OnDone(const grpc::Status& status) override {
    Ptr self = std::move(self_);
    handlers_.done(FromGrpc(status, unavailable_));
  }

  const Request request_;
  const ErrorCode unavailable_;
  const Handlers handlers_;
  grpc::ClientContext context_;
  ReadGate gate_;
  Response incoming_;
  Ptr self_;
};

}  // namespace penstock
