#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "absl/status/statusor.h"
#include "penstock/internal/v1/delivery.grpc.pb.h"
#include "services/common/rpc/client_bidi.h"
#include "services/loader/app/tasks.h"

namespace penstock::loader {

namespace pb = penstock::internal::v1;

// What this loader asks state about batches, over one stream for all of them. A stream that breaks
// is opened again, as is one that has served its time, and whatever is unanswered is asked again:
// reports may be repeated, and a Begin of the same loader extends its own grant. Thread-confined.
class DeliverStream {
 public:
  DeliverStream(Tasks& tasks, pb::DeliveryService::StubInterface& state, uint64_t loader);

  // Asks until state has answered, with a back-off while it can't. Never `unavailable`.
  // STATE_UNAVAILABLE only after Close().
  asio::awaitable<absl::StatusOr<pb::DeliverResponse>> Ask(pb::DeliverRequest request);
  // Everything that waits ends.
  void Close();

 private:
  using Stream = ClientBidi<pb::DeliverRequest, pb::DeliverResponse>;
  struct Waiting {
    pb::DeliverRequest request;
    Signal answered;
    bool done = false;
    pb::DeliverResponse response;
  };

  asio::awaitable<void> KeepOpen();
  void Open();
  void Answered(pb::DeliverResponse response);
  asio::awaitable<void> Sleep(Duration length);

  Tasks& tasks_;
  pb::DeliveryService::StubInterface& state_;
  const uint64_t loader_;
  uint64_t next_ticket_ = 1;
  std::map<uint64_t, Waiting*> waiting_;
  Stream::Ptr stream_;
  Signal changed_;  // the stream ended, or Close() was called
  bool ended_well_ = false;
  bool closed_ = false;
};

}  // namespace penstock::loader
