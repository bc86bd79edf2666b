#pragma once

#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <string>

#include "penstock/internal/v1/delivery.grpc.pb.h"
#include "penstock/internal/v1/extraction.grpc.pb.h"
#include "services/common/rpc/server_bidi.h"
#include "services/common/rpc/server_stream.h"
#include "services/common/rpc/server_unary.h"
#include "services/common/rpc/server_upload.h"

namespace penstock {

namespace pb = internal::v1;

// A service of each shape of call whose behaviour a test sets; the messages are borrowed from the
// real protocol.
class TestExtraction final : public pb::ExtractionService::CallbackService {
 public:
  using Segments = ServerStream<pb::ReadSegmentsResponse>;
  using Upload = ServerUpload<pb::EndReadRequest, pb::EndReadResponse>;

  std::function<boost::asio::awaitable<absl::StatusOr<pb::LeaseTaskResponse>>(
      const pb::LeaseTaskRequest&, RpcContext)>
      lease_task;
  std::function<void(const pb::HeartbeatRequest&, RpcContext, UnaryDone<pb::HeartbeatResponse>)>
      heartbeat;
  std::function<void(std::shared_ptr<Segments>)> read_segments;
  Segments::Handlers segment_handlers;
  size_t segment_limit = 4;
  Upload::Handlers upload_handlers;

 private:
  grpc::ServerUnaryReactor* LeaseTask(grpc::CallbackServerContext* call,
                                      const pb::LeaseTaskRequest* request,
                                      pb::LeaseTaskResponse* response) override {
    return ServeUnary(call, request, response, pool_.get_executor(), lease_task);
  }
  grpc::ServerUnaryReactor* Heartbeat(grpc::CallbackServerContext* call,
                                      const pb::HeartbeatRequest* request,
                                      pb::HeartbeatResponse* response) override {
    return ServeUnary(call, request, response, heartbeat);
  }
  grpc::ServerWriteReactor<pb::ReadSegmentsResponse>* ReadSegments(
      grpc::CallbackServerContext* call, const pb::ReadSegmentsRequest*) override {
    auto stream = Segments::Start(*call, segment_limit, segment_handlers);
    read_segments(stream);
    return stream.get();
  }
  grpc::ServerReadReactor<pb::EndReadRequest>* EndRead(grpc::CallbackServerContext* call,
                                                       pb::EndReadResponse* response) override {
    return Upload::Start(*call, response, upload_handlers).get();
  }

  boost::asio::thread_pool pool_{1};
};

class TestDelivery final : public pb::DeliveryService::CallbackService {
 public:
  using Stream = ServerBidi<pb::DeliverRequest, pb::DeliverResponse>;
  Stream::Handlers handlers;

 private:
  grpc::ServerBidiReactor<pb::DeliverRequest, pb::DeliverResponse>* Deliver(
      grpc::CallbackServerContext* call) override {
    return Stream::Start(*call, 1000, handlers).get();
  }
};

}  // namespace penstock
