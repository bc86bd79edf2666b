#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <vector>

#include "services/common/core/status.h"
#include "services/common/rpc/client_bidi.h"
#include "services/common/rpc/client_stream.h"
#include "services/common/rpc/client_upload.h"
#include "services/common/rpc/rpc_channel.h"
#include "services/common/rpc/rpc_server.h"
#include "services/common/testing/wait_for.h"
#include "tests/integration/common_rpc/test_services.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using ::penstock::testing::WaitFor;

class StreamTest : public ::testing::Test {
 protected:
  using Client = ClientStream<pb::ReadSegmentsRequest, pb::ReadSegmentsResponse>;
  using Upload = ClientUpload<pb::EndReadRequest, pb::EndReadResponse>;
  using Bidi = ClientBidi<pb::DeliverRequest, pb::DeliverResponse>;

  void Serve() {
    grpc::Service* services[] = {&extraction_, &delivery_};
    server_ = *RpcServer::Start({}, services);
    auto channel = *MakeChannel({.addresses = {"127.0.0.1:" + std::to_string(server_->port())}});
    extraction_stub_ = pb::ExtractionService::NewStub(channel);
    delivery_stub_ = pb::DeliveryService::NewStub(channel);
  }

  Client::Ptr Read(std::function<void(pb::ReadSegmentsResponse)> message,
                   std::chrono::nanoseconds timeout = 20s) {
    return Client::Start(
        [&](auto* context, auto* request, auto* reactor) {
          extraction_stub_->async()->ReadSegments(context, request, reactor);
        },
        {}, {.timeout = timeout},
        {.message = std::move(message), .done = [this](absl::Status s) { done_.set_value(s); }});
  }
  Bidi::Ptr Deliver(std::function<void(pb::DeliverResponse)> message) {
    return Bidi::Start(
        [&](auto* context, auto* reactor) { delivery_stub_->async()->Deliver(context, reactor); },
        {.timeout = std::nullopt}, 100000,
        {.message = std::move(message), .done = [this](absl::Status s) { done_.set_value(s); }});
  }
  absl::Status Done() { return done_.get_future().get(); }

  TestExtraction extraction_;
  TestDelivery delivery_;
  std::unique_ptr<RpcServer> server_;
  std::unique_ptr<pb::ExtractionService::Stub> extraction_stub_;
  std::unique_ptr<pb::DeliveryService::Stub> delivery_stub_;
  std::promise<absl::Status> done_;
};

pb::ReadSegmentsResponse Chunk(uint64_t id, size_t bytes = 0) {
  pb::ReadSegmentsResponse chunk;
  chunk.set_segment_id(id);
  chunk.set_data(std::string(bytes, 'x'));
  return chunk;
}

TEST_F(StreamTest, AFullQueueHoldsTheWriterBackAndNothingIsLost) {
  std::shared_ptr<TestExtraction::Segments> stream;
  std::mutex mutex;
  uint64_t next = 0;
  auto feed = [&] {
    std::lock_guard lock(mutex);
    while (next < 500 && stream->Write(Chunk(next, 10'000))) ++next;
    if (next == 500) stream->End(absl::OkStatus());
  };
  extraction_.segment_handlers.writable = feed;
  extraction_.read_segments = [&](auto started) {
    stream = std::move(started);
    feed();
  };
  Serve();
  std::vector<uint64_t> ids;
  Read([&](pb::ReadSegmentsResponse chunk) { ids.push_back(chunk.segment_id()); });
  EXPECT_TRUE(Done().ok());
  ASSERT_EQ(ids.size(), 500u);
  for (uint64_t i = 0; i < 500; ++i) EXPECT_EQ(ids[i], i);
}

TEST_F(StreamTest, ASlowReaderGetsTheNewestState) {
  std::promise<std::shared_ptr<TestExtraction::Segments>> started;
  extraction_.read_segments = [&](auto stream) { started.set_value(stream); };
  Serve();
  std::atomic<uint64_t> last = 0;
  std::atomic<int> received = 0;
  std::promise<void> first;
  Client::Ptr client;
  client = Read([&](pb::ReadSegmentsResponse chunk) {
    last = chunk.segment_id();
    if (received++ == 0) {
      client->PauseReading();
      first.set_value();
    }
  });
  auto stream = started.get_future().get();
  const auto same = [](const auto&, const auto&) { return true; };
  stream->WriteLatest(Chunk(1), same);
  first.get_future().wait();
  // Far more than the connection's windows hold, so most of it must be left out.
  for (uint64_t i = 2; i <= 2000; ++i) stream->WriteLatest(Chunk(i, 50'000), same);
  stream->End(absl::OkStatus());
  client->ResumeReading();
  EXPECT_TRUE(Done().ok());
  EXPECT_EQ(last, 2000u);
  EXPECT_LT(received, 1500);
}

TEST_F(StreamTest, AnErrorEndsTheStreamAfterWhatWasWritten) {
  extraction_.read_segments = [](auto stream) {
    stream->Write(Chunk(1));
    stream->End(Error(ErrorCode::kDATA_CORRUPT, "segment 9 doesn't match its checksum"));
    stream->End(absl::OkStatus());
    EXPECT_FALSE(stream->Write(Chunk(2)));
  };
  Serve();
  std::atomic<int> received = 0;
  Read([&](pb::ReadSegmentsResponse) { ++received; });
  EXPECT_EQ(CodeOf(Done()), ErrorCode::kDATA_CORRUPT);
  EXPECT_EQ(received, 1);
}

TEST_F(StreamTest, AReaderThatLeavesIsToldToTheWriter) {
  std::shared_ptr<TestExtraction::Segments> stream;
  std::promise<void> cancelled;
  extraction_.segment_handlers.cancelled = [&] { cancelled.set_value(); };
  extraction_.read_segments = [&](auto started) {
    stream = started;
    stream->Write(Chunk(1));
  };
  Serve();
  std::promise<void> first;
  auto client = Read([&](pb::ReadSegmentsResponse) { first.set_value(); });
  first.get_future().wait();
  client->Cancel();
  EXPECT_EQ(CodeOf(Done()), ErrorCode::kSTATE_UNAVAILABLE);
  cancelled.get_future().wait();
  EXPECT_TRUE(WaitFor([&] { return !stream->Write(Chunk(2)); }));
}

TEST_F(StreamTest, AnUploadIsHandledMessageByMessageAndAnsweredOnce) {
  std::atomic<int> messages = 0;
  std::atomic<size_t> bytes = 0;
  extraction_.upload_handlers.message = [&](const auto& upload, pb::EndReadRequest request) {
    bytes += request.bitmap().size();
    // Every message is finished later, by another thread.
    upload->PauseReading();
    ++messages;
    std::thread([upload] { upload->ResumeReading(); }).detach();
  };
  extraction_.upload_handlers.complete = [&](const auto& upload) {
    upload->End(pb::EndReadResponse());
    upload->End(Error(ErrorCode::kINTERNAL, "too late"));
  };
  Serve();
  std::promise<absl::Status> done;
  std::mutex mutex;
  Upload::Ptr upload;
  int next = 0;
  auto feed = [&] {
    std::lock_guard lock(mutex);
    pb::EndReadRequest request;
    request.set_bitmap(std::string(20'000, 'b'));
    while (next < 200 && upload->Write(request)) ++next;
    if (next == 200) upload->WritesDone();
  };
  {
    std::lock_guard lock(mutex);
    upload = Upload::Start(
        [&](auto* context, auto* response, auto* reactor) {
          extraction_stub_->async()->EndRead(context, response, reactor);
        },
        {}, 4,
        {.done = [&](absl::StatusOr<pb::EndReadResponse> r) { done.set_value(r.status()); },
         .writable = feed});
  }
  feed();
  EXPECT_TRUE(done.get_future().get().ok());
  EXPECT_EQ(messages, 200);
  EXPECT_EQ(bytes, 200u * 20'000);
}

TEST_F(StreamTest, AnUploadMayBeRefusedInTheMiddle) {
  extraction_.upload_handlers.message = [&](const auto& upload, pb::EndReadRequest) {
    upload->End(Error(ErrorCode::kLEASE_LOST, "another worker has it"));
  };
  extraction_.upload_handlers.complete = [](const auto& upload) {
    upload->End(pb::EndReadResponse());
  };
  Serve();
  std::promise<absl::Status> done;
  auto upload = Upload::Start(
      [&](auto* context, auto* response, auto* reactor) {
        extraction_stub_->async()->EndRead(context, response, reactor);
      },
      {}, 4, {.done = [&](absl::StatusOr<pb::EndReadResponse> r) { done.set_value(r.status()); }});
  auto ended = done.get_future();
  ASSERT_TRUE(WaitFor([&] {
    pb::EndReadRequest request;
    request.set_bitmap("x");
    upload->Write(request);
    return ended.wait_for(0s) == std::future_status::ready;
  }));
  EXPECT_EQ(CodeOf(ended.get()), ErrorCode::kLEASE_LOST);
}

TEST_F(StreamTest, ManyQuestionsAndAnswersShareOneStream) {
  delivery_.handlers.message = [](const auto& stream, pb::DeliverRequest request) {
    pb::DeliverResponse response;
    response.set_ticket(request.ticket());
    EXPECT_TRUE(stream->Write(response));
  };
  delivery_.handlers.half_closed = [](const auto& stream) { stream->End(absl::OkStatus()); };
  Serve();
  std::atomic<uint64_t> sum = 0;
  auto stream = Deliver([&](pb::DeliverResponse response) { sum += response.ticket(); });
  for (uint64_t i = 1; i <= 500; ++i) {
    pb::DeliverRequest request;
    request.set_ticket(i);
    ASSERT_TRUE(stream->Write(request));
  }
  stream->WritesDone();
  EXPECT_TRUE(Done().ok());
  EXPECT_EQ(sum, 500u * 501 / 2);
}

TEST_F(StreamTest, AServerThatDiesEndsTheStream) {
  std::promise<TestDelivery::Stream::Ptr> started;
  delivery_.handlers.message = [&](const auto& stream, pb::DeliverRequest) {
    started.set_value(stream);
  };
  delivery_.handlers.half_closed = [](const auto&) {};
  Serve();
  auto stream = Deliver([](pb::DeliverResponse) {});
  stream->Write({});
  auto server_side = started.get_future().get();
  server_->Shutdown(0s);
  EXPECT_EQ(CodeOf(Done()), ErrorCode::kSTATE_UNAVAILABLE);
  EXPECT_FALSE(stream->Write({}));
  EXPECT_FALSE(server_side->Write({}));
}

}  // namespace
}  // namespace penstock
