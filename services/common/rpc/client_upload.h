#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "services/common/rpc/client_options.h"
#include "services/common/rpc/rpc_status.h"
#include "services/common/rpc/write_queue.h"

namespace penstock {

// The client's side of a call that sends many messages and gets one answer. Handlers are called by
// gRPC's threads and must not block; `done` is the last. The object lives until then by itself.
// Thread-safe.
template <typename Request, typename Response>
class ClientUpload final : public grpc::ClientWriteReactor<Request> {
 public:
  using Ptr = std::shared_ptr<ClientUpload>;
  struct Handlers {
    std::function<void(absl::StatusOr<Response>)> done;
    std::function<void()> writable = {};  // there is room again after Write() returned false
  };

  // `begin` calls the method: [&](auto* context, auto* response, auto* reactor) {
  //   stub->async()->EndRead(context, response, reactor); }
  // At most `limit` messages wait to be written.
  template <typename Begin>
  static Ptr Start(Begin&& begin, const ClientCallOptions& options, size_t limit,
                   Handlers handlers) {
    auto upload = Ptr(new ClientUpload(options.unavailable, limit, std::move(handlers)));
    upload->self_ = upload;
    options.Apply(upload->context_);
    begin(&upload->context_, &upload->response_,
          static_cast<grpc::ClientWriteReactor<Request>*>(upload.get()));
    // Writes begin outside of gRPC's reactions: the call must not end between them.
    upload->AddHold();
    upload->StartCall();
    return upload;
  }

  // False when the queue is full or the call is over (the server may end it early).
  bool Write(Request message) { return queue_.Push(std::move(message)); }
  // All is sent after what waits; `done` brings the answer.
  void WritesDone() {
    queue_.Close([] {});
  }
  void Cancel() {
    context_.TryCancel();
    queue_.Drop();
  }

 private:
  ClientUpload(ErrorCode unavailable, size_t limit, Handlers handlers)
      : unavailable_(unavailable),
        handlers_(std::move(handlers)),
        queue_(limit, {.start = [this](const Request* m) { this->StartWrite(m); },
                       .closed = [this] { this->StartWritesDone(); },
                       .dropped = [this] { this->RemoveHold(); },
                       .writable = handlers_.writable}) {}

  void OnWriteDone(bool ok) override {
    queue_.WriteDone(ok);
    if (!ok) queue_.Drop();
  }
  void OnWritesDoneDone(bool ok) override {
    queue_.WriteDone(ok);
    queue_.Drop();
  }
  void OnDone(const grpc::Status& status) override {
    Ptr self = std::move(self_);
    if (status.ok()) {
      handlers_.done(std::move(response_));
    } else {
      handlers_.done(FromGrpc(status, unavailable_));
    }
  }

  const ErrorCode unavailable_;
  const Handlers handlers_;
  grpc::ClientContext context_;
  Response response_;
  WriteQueue<Request> queue_;
  Ptr self_;
};

}  // namespace penstock
