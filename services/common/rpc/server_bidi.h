#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "services/common/rpc/read_gate.h"
#include "services/common/rpc/rpc_context.h"
#include "services/common/rpc/rpc_status.h"
#include "services/common/rpc/write_queue.h"

namespace penstock {

// The server's side of a call with many messages both ways. Handlers are called by gRPC's threads,
// one message at a time, and must not block; they get the stream and may keep it, the object also
// lives until gRPC is done with it. Thread-safe.
template <typename Request, typename Response>
class ServerBidi final : public grpc::ServerBidiReactor<Request, Response>,
                         public std::enable_shared_from_this<ServerBidi<Request, Response>> {
 public:
  using Ptr = std::shared_ptr<ServerBidi>;
  struct Handlers {
    std::function<void(const Ptr&, Request)> message;
    // The caller sends no more; end the stream when all is answered.
    std::function<void(const Ptr&)> half_closed;
    std::function<void()> writable = {};   // there is room again after Write() returned false
    std::function<void()> cancelled = {};  // the caller went away; the stream ends by itself
  };

  // Return the object (get()) from the service's method. At most `limit` answers wait.
  static Ptr Start(const grpc::CallbackServerContext& call, size_t limit, Handlers handlers) {
    auto stream = Ptr(new ServerBidi(call, limit, std::move(handlers)));
    stream->self_ = stream;
    stream->StartRead(&stream->incoming_);
    return stream;
  }
  const RpcContext& context() const { return context_; }

  // Holds the caller back: no further message after the one that is being handled.
  void PauseReading() { gate_.Pause(); }
  void ResumeReading() {
    if (gate_.Resume()) this->StartRead(&incoming_);
  }

  // False when the queue is full or the stream is over.
  bool Write(Response message) { return queue_.Push(std::move(message)); }
  // Ends the stream after what waits; the first call counts.
  void End(const absl::Status& status) {
    queue_.Close([&] { status_ = ToGrpc(status); });
  }

 private:
  ServerBidi(const grpc::CallbackServerContext& call, size_t limit, Handlers handlers)
      : context_(RpcContext::FromCall(call)),
        handlers_(std::move(handlers)),
        queue_(limit, {.start = [this](const Response* m) { this->StartWrite(m); },
                       .closed = [this] { this->Finish(status_); },
                       .dropped = [this] { this->Finish(grpc::Status::CANCELLED); },
                       .writable = handlers_.writable}) {}

  void OnReadDone(bool ok) override {
    if (!ok) {
      handlers_.half_closed(this->shared_from_this());
      return;
    }
    handlers_.message(this->shared_from_this(), std::move(incoming_));
    incoming_ = Request();
    if (gate_.Handled()) this->StartRead(&incoming_);
  }
  void OnWriteDone(bool ok) override { queue_.WriteDone(ok); }
  void OnCancel() override {
    if (handlers_.cancelled) handlers_.cancelled();
    queue_.Drop();
  }
  void OnDone() override { self_.reset(); }

  const RpcContext context_;
  const Handlers handlers_;
  WriteQueue<Response> queue_;
  ReadGate gate_;
  Request incoming_;
  grpc::Status status_;
  Ptr self_;
};

}  // namespace penstock
