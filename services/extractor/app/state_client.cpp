#include "services/extractor/app/state_client.h"

#include <grpcpp/channel.h>

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>

#include "penstock/internal/v1/extraction.grpc.pb.h"
#include "services/common/core/status.h"
#include "services/common/rpc/client_call.h"
#include "services/common/rpc/client_stream.h"
#include "services/common/rpc/client_upload.h"

namespace penstock::extractor {

using Async = pb::ExtractionService::StubInterface::async_interface;

namespace {

// Turns a call that reports its end by a callback into one that waits.
template <typename Request, typename Response>
absl::StatusOr<Response> Wait(Async* async,
                              void (Async::*method)(grpc::ClientContext*, const Request*, Response*,
                                                    std::function<void(grpc::Status)>),
                              const Request& request, std::chrono::nanoseconds timeout) {
  auto promise = std::make_shared<std::promise<absl::StatusOr<Response>>>();
  auto future = promise->get_future();
  CallUnary(
      async, method, request, ClientCallOptions{.timeout = timeout},
      [promise](absl::StatusOr<Response> response) { promise->set_value(std::move(response)); });
  return future.get();
}

// Collects a stream's messages for a thread that waits for them; holds the sender back while too
// many wait.
template <typename Request, typename Response>
class Inbox {
 public:
  template <typename Begin>
  absl::Status Read(Begin&& begin, Request request, std::chrono::nanoseconds timeout,
                    const std::function<absl::Status(const Response&)>& take) {
    using Stream = ClientStream<Request, Response>;
    auto stream = Stream::Start(std::forward<Begin>(begin), std::move(request),
                                ClientCallOptions{.timeout = timeout},
                                {.message =
                                     [this](Response message) {
                                       const std::lock_guard lock(mutex_);
                                       messages_.push_back(std::move(message));
                                       wake_.notify_one();
                                     },
                                 .done =
                                     [this](const absl::Status& status) {
                                       const std::lock_guard lock(mutex_);
                                       end_ = status;
                                       wake_.notify_one();
                                     }});
    absl::Status taken;
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return !messages_.empty() || end_.has_value(); });
      if (messages_.empty()) return taken.ok() ? *end_ : taken;
      const Response message = std::move(messages_.front());
      messages_.pop_front();
      if (!taken.ok()) continue;
      lock.unlock();
      taken = take(message);
      if (!taken.ok()) stream->Cancel();
      lock.lock();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Response> messages_;
  std::optional<absl::Status> end_;
};

// Transfers of many megabytes get more time than a question and its answer.
constexpr int kTransferPatience = 30;

}  // namespace

struct StateClient::Stub {
  std::unique_ptr<pb::ExtractionService::Stub> stub;
};

StateClient::StateClient(const std::shared_ptr<grpc::Channel>& channel,
                         std::chrono::nanoseconds timeout)
    : stub_(new Stub{pb::ExtractionService::NewStub(channel)}), timeout_(timeout) {}
StateClient::~StateClient() = default;

absl::StatusOr<std::optional<pb::Task>> StateClient::LeaseTask(uint64_t worker) {
  pb::LeaseTaskRequest request;
  request.set_worker(worker);
  PENSTOCK_ASSIGN_OR_RETURN(pb::LeaseTaskResponse response,
                            Wait(stub_->stub->async(), &Async::LeaseTask, request, timeout_));
  if (!response.has_task()) return std::nullopt;
  return std::move(*response.mutable_task());
}

absl::StatusOr<pb::HeartbeatResponse> StateClient::Heartbeat(const pb::HeartbeatRequest& request) {
  return Wait(stub_->stub->async(), &Async::Heartbeat, request, timeout_);
}

absl::Status StateClient::ReadSegments(
    const std::vector<uint64_t>& ids,
    const std::function<absl::Status(const pb::ReadSegmentsResponse&)>& chunk) {
  pb::ReadSegmentsRequest request;
  request.mutable_segment_ids()->Assign(ids.begin(), ids.end());
  return Inbox<pb::ReadSegmentsRequest, pb::ReadSegmentsResponse>().Read(
      [this](auto* context, auto* in, auto* reactor) {
        stub_->stub->async()->ReadSegments(context, in, reactor);
      },
      request, timeout_ * kTransferPatience, chunk);
}

absl::StatusOr<std::string> StateClient::ReadSeen(const std::string& run_id, uint32_t read) {
  pb::ReadSeenRequest request;
  request.set_run_id(run_id);
  request.set_read(read);
  std::string bitmap;
  PENSTOCK_RETURN_IF_ERROR((Inbox<pb::ReadSeenRequest, pb::ReadSeenResponse>().Read(
      [this](auto* context, auto* in, auto* reactor) {
        stub_->stub->async()->ReadSeen(context, in, reactor);
      },
      request, timeout_ * kTransferPatience,
      [&](const pb::ReadSeenResponse& piece) {
        bitmap += piece.bitmap();
        return absl::OkStatus();
      })));
  return bitmap;
}

absl::Status StateClient::EndRead(const std::function<std::optional<pb::EndReadRequest>()>& next) {
  using Upload = ClientUpload<pb::EndReadRequest, pb::EndReadResponse>;
  struct Progress {
    std::mutex mutex;
    std::condition_variable wake;
    bool writable = true;
    std::optional<absl::Status> end;
  };
  auto progress = std::make_shared<Progress>();
  auto upload = Upload::Start(
      [this](auto* context, auto* response, auto* reactor) {
        stub_->stub->async()->EndRead(context, response, reactor);
      },
      ClientCallOptions{.timeout = timeout_ * kTransferPatience}, 2,
      {.done =
           [progress](const absl::StatusOr<pb::EndReadResponse>& response) {
             const std::lock_guard lock(progress->mutex);
             progress->end = response.status();
             progress->wake.notify_one();
           },
       .writable =
           [progress] {
             const std::lock_guard lock(progress->mutex);
             progress->writable = true;
             progress->wake.notify_one();
           }});
  std::unique_lock lock(progress->mutex);
  for (auto message = next(); message.has_value() && !progress->end.has_value();) {
    progress->writable = false;
    lock.unlock();
    const bool written = upload->Write(*message);
    lock.lock();
    if (written) {
      message = next();
    } else {
      progress->wake.wait(lock, [&] { return progress->writable || progress->end.has_value(); });
    }
  }
  lock.unlock();
  upload->WritesDone();
  lock.lock();
  progress->wake.wait(lock, [&] { return progress->end.has_value(); });
  return *progress->end;
}

absl::Status StateClient::CompleteTask(const pb::CompleteTaskRequest& request) {
  return Wait(stub_->stub->async(), &Async::CompleteTask, request, timeout_).status();
}

absl::Status StateClient::AdoptRecords(const pb::AdoptRecordsRequest& request) {
  return Wait(stub_->stub->async(), &Async::AdoptRecords, request, timeout_).status();
}

absl::Status StateClient::FailTask(const pb::FailTaskRequest& request) {
  return Wait(stub_->stub->async(), &Async::FailTask, request, timeout_).status();
}

}  // namespace penstock::extractor
