#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "services/common/rpc/rpc_context.h"
#include "services/common/rpc/rpc_status.h"
#include "services/common/rpc/write_queue.h"

namespace penstock {

// The server's side of a call that answers with many messages. Whoever writes keeps a shared_ptr;
// the object also lives until gRPC is done with it. Thread-safe.
template <typename Response>
class ServerStream final : public grpc::ServerWriteReactor<Response> {
 public:
  struct Handlers {
    std::function<void()> writable = {};   // there is room again after Write() returned false
    std::function<void()> cancelled = {};  // the caller went away; the stream ends by itself
  };

  // Return the object (get()) from the service's method. At most `limit` messages wait.
  static std::shared_ptr<ServerStream> Start(const grpc::CallbackServerContext& call, size_t limit,
                                             Handlers handlers = {}) {
    auto stream = std::shared_ptr<ServerStream>(new ServerStream(call, limit, std::move(handlers)));
    stream->self_ = stream;
    return stream;
  }
  const RpcContext& context() const { return context_; }

  // False when the queue is full or the stream is over.
  bool Write(Response message) { return queue_.Push(std::move(message)); }
  // Takes the place of what waits and is about the same, by same(waiting, message), so that a slow
  // reader gets the newest. False when the stream is over.
  template <typename Same>
  bool WriteLatest(Response message, Same&& same) {
    return queue_.PushLatest(std::move(message), std::forward<Same>(same));
  }
  // Ends the stream after what waits; the first call counts.
  void End(const absl::Status& status) {
    queue_.Close([&] { status_ = ToGrpc(status); });
  }

 private:
  ServerStream(const grpc::CallbackServerContext& call, size_t limit, Handlers handlers)
      : context_(RpcContext::FromCall(call)),
        handlers_(std::move(handlers)),
        queue_(limit, {.start = [this](const Response* m) { this->StartWrite(m); },
                       .closed = [this] { this->Finish(status_); },
                       .dropped = [this] { this->Finish(grpc::Status::CANCELLED); },
                       .writable = handlers_.writable}) {}

  void OnWriteDone(bool ok) override { queue_.WriteDone(ok); }
  void OnCancel() override {
    if (handlers_.cancelled) handlers_.cancelled();
    queue_.Drop();
  }
  void OnDone() override { self_.reset(); }

  const RpcContext context_;
  const Handlers handlers_;
  WriteQueue<Response> queue_;
  grpc::Status status_;
  std::shared_ptr<ServerStream> self_;
};

}  // namespace penstock
