#include "services/state/app/delivery_engine.h"

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "services/common/core/testpoint.h"
#include "services/common/pg/pg_pool.h"
#include "services/state/app/delivery_store.h"

namespace penstock::state {
namespace {

// Two: one group is flushed while the next one is worked on.
constexpr int kGroupsAtOnce = 2;
constexpr size_t kMaxGroup = 128;
constexpr auto kPatience = std::chrono::seconds(10);

}  // namespace

void DeliveryEngine::Submit(pb::DeliverRequest request, Reply reply) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back({std::move(request), std::move(reply)});
  StartGroups();
}

void DeliveryEngine::StartGroups() {
  while (!waiting_.empty() && under_way_ < kGroupsAtOnce) {
    ++under_way_;
    std::deque<Waiting> group;
    while (!waiting_.empty() && group.size() < kMaxGroup) {
      group.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    Answer(std::move(group));
  }
}

void DeliveryEngine::Answer(std::deque<Waiting> group) {
  struct Work {
    std::vector<pb::DeliverRequest> requests;
    std::vector<Reply> replies;
    std::vector<pb::DeliverResponse> responses;
  };
  auto work = std::make_shared<Work>();
  for (Waiting& waiting : group) {
    work->requests.push_back(std::move(waiting.request));
    work->replies.push_back(std::move(waiting.reply));
  }
  auto body = [work](PgTransaction& tx) -> absl::Status {
    auto responses = DeliveryGroup(tx).Answer(work->requests);
    if (!responses.ok()) return responses.status();
    work->responses = *std::move(responses);
    PENSTOCK_TESTPOINT("state.delivery_before_commit");
    return absl::OkStatus();
  };
  auto done = [this, work](const absl::Status& status) {
    PENSTOCK_TESTPOINT("state.delivery_before_reply");
    for (size_t i = 0; i < work->requests.size(); ++i) {
      if (status.ok()) {
        work->replies[i](std::move(work->responses[i]));
        continue;
      }
      // Also when the commit is unknown: the loader asks again, and a Begin or report that was
      // stored is seen then.
      pb::DeliverResponse response;
      response.set_ticket(work->requests[i].ticket());
      response.mutable_unavailable()->set_message(std::string(status.message()));
      work->replies[i](std::move(response));
    }
    const std::lock_guard lock(mutex_);
    --under_way_;
    StartGroups();
  };
  pool_.Run(std::move(body), std::move(done), BootClock::now() + kPatience);
}

}  // namespace penstock::state
