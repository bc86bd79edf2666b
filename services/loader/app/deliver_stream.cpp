#include "services/loader/app/deliver_stream.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "services/common/core/random.h"
#include "services/common/core/status.h"
#include "services/common/flow/backoff.h"
#include "services/common/obs/log.h"

namespace penstock::loader {
namespace {

// Far more than a loader holds batches, each of which asks one thing at a time.
constexpr size_t kMaxUnwritten = 1 << 16;
// A stream stays with the replica of state that it was opened to; a new one goes to the next one,
// so that all of them, and new ones, get their part.
constexpr std::chrono::seconds kStreamAge{30};
constexpr BackoffOptions kBackoff = {.base = std::chrono::milliseconds(100),
                                     .cap = std::chrono::seconds(5)};

}  // namespace

DeliverStream::DeliverStream(Tasks& tasks, pb::DeliveryService::StubInterface& state,
                             uint64_t loader)
    : tasks_(tasks), state_(state), loader_(loader), changed_(tasks.executor()) {
  tasks_.Spawn(KeepOpen());
}

asio::awaitable<absl::StatusOr<pb::DeliverResponse>> DeliverStream::Ask(
    pb::DeliverRequest request) {
  for (uint32_t failures = 0; !closed_; ++failures) {
    const uint64_t ticket = next_ticket_++;
    request.set_ticket(ticket);
    request.set_loader(loader_);
    Waiting waiting{request, Signal(tasks_.executor()), false, {}};
    waiting_[ticket] = &waiting;
    if (stream_) stream_->Write(request);
    while (!waiting.done && !closed_) co_await waiting.answered.Wait();
    waiting_.erase(ticket);
    if (!waiting.done) break;
    if (!waiting.response.has_unavailable()) co_return std::move(waiting.response);
    LogDebug("state_away", waiting.response.unavailable().message());
    co_await Sleep(FullJitter(failures, Random::System(), kBackoff));
  }
  co_return Error(ErrorCode::kSTATE_UNAVAILABLE, "the loader ends");
}

asio::awaitable<void> DeliverStream::KeepOpen() {
  for (uint32_t failures = 0; !closed_; ++failures) {
    const BootTime opened = BootClock::now();
    Open();
    while (stream_) {
      co_await changed_.WaitFor(kStreamAge);
      // State answers what it has got and ends the stream; what it has not is asked on the next
      // one.
      if (stream_ && BootClock::now() - opened >= kStreamAge) stream_->WritesDone();
    }
    if (closed_) co_return;
    if (ended_well_ || BootClock::now() - opened > kBackoff.cap) failures = 0;
    if (!ended_well_) co_await Sleep(FullJitter(failures, Random::System(), kBackoff));
  }
}

void DeliverStream::Open() {
  stream_ = Stream::Start(
      [this](auto* context, auto* reactor) { state_.async()->Deliver(context, reactor); },
      {.timeout = std::nullopt}, kMaxUnwritten,
      {.message =
           [this](pb::DeliverResponse response) {
             asio::post(tasks_.executor(), [this, response = std::move(response)]() mutable {
               Answered(std::move(response));
             });
           },
       .done =
           [this](const absl::Status& status) {
             asio::post(tasks_.executor(), [this, status] {
               ended_well_ = status.ok();
               if (!closed_ && !ended_well_)
                 LogWarning("deliver_stream_ended", "asks state anew", status);
               stream_.reset();
               changed_.Notify();
             });
           }});
  for (const auto& [ticket, waiting] : waiting_) stream_->Write(waiting->request);
}

void DeliverStream::Answered(pb::DeliverResponse response) {
  const auto it = waiting_.find(response.ticket());
  if (it == waiting_.end()) return;
  it->second->response = std::move(response);
  it->second->done = true;
  it->second->answered.Notify();
}

void DeliverStream::Close() {
  closed_ = true;
  if (stream_) stream_->Cancel();
  for (const auto& [ticket, waiting] : waiting_) waiting->answered.Notify();
  changed_.Notify();
}

asio::awaitable<void> DeliverStream::Sleep(Duration length) {
  Signal never(tasks_.executor());
  co_await never.WaitFor(length);
}

}  // namespace penstock::loader
