#include "services/planner/app/run_relays.h"

#include <optional>
#include <vector>

#include "services/common/core/status.h"

namespace penstock::planner {

namespace pb = penstock::internal::v1;

RunRelays::~RunRelays() {
  EndAll();
  std::unique_lock lock(mutex_);
  none_left_.wait(lock, [this] { return open_.empty(); });
}

void RunRelays::EndAll() {
  std::vector<std::function<void()>> ends;
  {
    const std::lock_guard lock(mutex_);
    draining_ = true;
    for (const auto& [id, end] : open_) ends.push_back(end);
  }
  for (const auto& end : ends) end();
}

absl::Status RunRelays::Draining() {
  return Error(ErrorCode::kDRAINING, "this planner is stopping; watch again");
}

uint64_t RunRelays::NextId() {
  const std::lock_guard lock(mutex_);
  return next_id_++;
}

bool RunRelays::Add(uint64_t id, std::function<void()> end) {
  const std::lock_guard lock(mutex_);
  if (draining_) return false;
  open_.emplace(id, std::move(end));
  open_streams_.Add(1);
  return true;
}

void RunRelays::Remove(uint64_t id) {
  const std::lock_guard lock(mutex_);
  open_streams_.Add(-static_cast<double>(open_.erase(id)));
  if (open_.empty()) none_left_.notify_all();
}

void RunRelays::Open(const std::shared_ptr<Source>& source, const pb::WatchRunsRequest& request,
                     const RpcContext& context, std::function<void(penstock::v1::Run)> run,
                     std::function<void(absl::Status)> done) {
  source->Attach(Upstream::Start(
      [this](auto* call, auto* in, auto* up) { state_.async()->WatchRuns(call, in, up); }, request,
      ClientCallOptions{.timeout = std::nullopt, .parent = context},
      {.message =
           [run = std::move(run)](pb::WatchRunsResponse message) {
             run(std::move(*message.mutable_facts()->mutable_run()));
           },
       .done = std::move(done)}));
}

void RunRelays::Source::Attach(Upstream::Ptr upstream) {
  std::unique_lock lock(mutex_);
  upstream_ = upstream;
  const bool stopped = stopped_;
  lock.unlock();
  if (stopped) upstream->Cancel();
}

void RunRelays::Source::Stop() {
  std::unique_lock lock(mutex_);
  stopped_ = true;
  const Upstream::Ptr upstream = upstream_;
  lock.unlock();
  if (upstream != nullptr) upstream->Cancel();
}

}  // namespace penstock::planner
