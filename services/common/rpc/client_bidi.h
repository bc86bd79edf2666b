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
#include "services/common/rpc/write_queue.h"

namespace penstock {

// The client's side of a call with many messages both ways. Handlers are called by gRPC's threads
// and must not block; `done` is the last. The object lives until then by itself. Thread-safe.
template <typename Request, typename Response>
class ClientBidi final : public grpc::ClientBidiReactor<Request, Response> {
 public:
  using Ptr = std::shared_ptr<ClientBidi>;
  struct Handlers {
    std::function<void(Response)> message;
    std::function<void(absl::Status)> done;
    std::function<void()> writable = {};  // there is room again after Write() returned false
  };

  // `begin` calls the method: [&](auto* context, auto* reactor) {
  //   stub->async()->Deliver(context, reactor); }
  // At most `limit` messages wait to be written.
  template <typename Begin>
  static Ptr Start(Begin&& begin, const ClientCallOptions& options, size_t limit,
                   Handlers handlers) {
    auto stream = Ptr(new ClientBidi(options.unavailable, limit, std::move(handlers)));
    stream->self_ = stream;
    options.Apply(stream->context_);
    begin(&stream->context_,
          static_cast<grpc::ClientBidiReactor<Request, Response>*>(stream.get()));
    // Writes and reads begin outside of gRPC's reactions: the call must not end between them.
    stream->AddHold();
    stream->StartRead(&stream->incoming_);
    stream->StartCall();
    return stream;
  }

  // False when the queue is full or the stream is over.
  bool Write(Request message) { return queue_.Push(std::move(message)); }
  // Sends no more after what waits; the server ends the call.
  void WritesDone() {
    queue_.Close([] {});
  }
  void Cancel() { context_.TryCancel(); }

  // Holds the server back: no further message after the one that is being handled. The end of the
  // call isn't seen meanwhile.
  void PauseReading() { gate_.Pause(); }
  void ResumeReading() {
    if (gate_.Resume()) this->StartRead(&incoming_);
  }

 private:
  ClientBidi(ErrorCode unavailable, size_t limit, Handlers handlers)
      : unavailable_(unavailable),
        handlers_(std::move(handlers)),
        queue_(limit, {.start = [this](const Request* m) { this->StartWrite(m); },
                       .closed = [this] { this->StartWritesDone(); },
                       .dropped = [this] { this->RemoveHold(); },
                       .writable = handlers_.writable}) {}

  void OnReadDone(bool ok) override {
    if (!ok) {
      queue_.Drop();
      return;
    }
    handlers_.message(std::move(incoming_));
    incoming_ = Response();
    if (gate_.Handled()) this->StartRead(&incoming_);
  }
  void OnWriteDone(bool ok) override { queue_.WriteDone(ok); }
  void OnWritesDoneDone(bool ok) override { queue_.WriteDone(ok); }
  void OnDone(const grpc::Status& status) override {
    Ptr self = std::move(self_);
    handlers_.done(FromGrpc(status, unavailable_));
  }

  const ErrorCode unavailable_;
  const Handlers handlers_;
  grpc::ClientContext context_;
  WriteQueue<Request> queue_;
  ReadGate gate_;
  Response incoming_;
  Ptr self_;
};

}  // namespace penstock
