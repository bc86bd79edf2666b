#include "services/state/app/delivery_engine.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/common/core/status.h"
#include "services/common/core/testpoint.h"
#include "services/common/obs/log.h"
#include "services/common/pg/pg_pool.h"
#include "services/state/app/delivery_store.h"

namespace penstock::state {
namespace {

// Two: one group is flushed while the next one is worked on.
constexpr int kGroupsAtOnce = 2;
constexpr size_t kMaxGroup = 128;
constexpr auto kPatience = std::chrono::seconds(10);

const std::string& RunOf(const pb::DeliverRequest& request) {
  return RefOf(request).run_id();
}

}  // namespace

void DeliveryEngine::Submit(pb::DeliverRequest request, Reply reply) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({std::move(request), std::move(reply)});
  }
  StartGroups();
}

std::deque<DeliveryEngine::Waiting> DeliveryEngine::TakeMoving() {
  const std::string run = RunOf(moving_.front().request);
  const auto others =
      std::stable_partition(moving_.begin(), moving_.end(),
                            [&](const Waiting& one) { return RunOf(one.request) == run; });
  std::deque<Waiting> group(std::make_move_iterator(moving_.begin()),
                            std::make_move_iterator(others));
  moving_.erase(moving_.begin(), others);
  return group;
}

void DeliveryEngine::StartGroups() {
  for (;;) {
    std::deque<Waiting> group;
    bool waits = false;
    {
      const std::lock_guard lock(mutex_);
      if (!waiting_.empty() && under_way_ < kGroupsAtOnce) {
        ++under_way_;
        while (!waiting_.empty() && group.size() < kMaxGroup) {
          group.push_back(std::move(waiting_.front()));
          waiting_.pop_front();
        }
      } else if (!moving_.empty() && moving_under_way_ < kGroupsAtOnce) {
        ++moving_under_way_;
        group = TakeMoving();
        waits = true;
      } else {
        return;
      }
    }
    // Without the lock: a pool that takes no more work answers at once.
    Answer(std::move(group), waits);
  }
}

void DeliveryEngine::Answer(std::deque<Waiting> group, bool waits) {
  struct Work {
    std::vector<pb::DeliverRequest> requests;
    std::vector<Reply> replies;
    std::vector<std::optional<pb::DeliverResponse>> responses;
  };
  auto work = std::make_shared<Work>();
  for (Waiting& waiting : group) {
    work->requests.push_back(std::move(waiting.request));
    work->replies.push_back(std::move(waiting.reply));
  }
  auto body = [work, waits](PgTransaction& tx) -> absl::Status {
    using enum DeliveryGroup::Moving;
    auto responses = DeliveryGroup(tx, waits ? kWaitFor : kSkip).Answer(work->requests);
    if (!responses.ok()) return responses.status();
    work->responses = *std::move(responses);
    PENSTOCK_TESTPOINT("state.delivery_before_commit");
    return absl::OkStatus();
  };
  auto done = [this, work, waits](const absl::Status& status) {
    PENSTOCK_TESTPOINT("state.delivery_before_reply");
    if (!status.ok() && work->requests.size() > 1 &&
        CodeOf(status) != ErrorCode::kDATABASE_UNAVAILABLE) {
      // One of them can't be stored: alone, it holds up nobody else's.
      LogError("delivery_group_failed", "its requests are tried one by one", status);
      {
        const std::lock_guard lock(mutex_);
        (waits ? moving_under_way_ : under_way_) += static_cast<int>(work->requests.size()) - 1;
      }
      for (size_t i = 0; i < work->requests.size(); ++i) {
        std::deque<Waiting> alone;
        alone.push_back({std::move(work->requests[i]), std::move(work->replies[i])});
        Answer(std::move(alone), waits);
      }
      return;
    }
    if (!status.ok()) LogWarning("delivery_not_stored", "the loader asks again", status);
    std::deque<Waiting> skipped;
    for (size_t i = 0; i < work->requests.size(); ++i) {
      if (status.ok() && !work->responses[i].has_value()) {
        skipped.push_back({std::move(work->requests[i]), std::move(work->replies[i])});
        continue;
      }
      if (status.ok()) {
        work->replies[i](*std::move(work->responses[i]));
        continue;
      }
      // Also when the commit is unknown: the loader asks again, and a Begin or report that was
      // stored is seen then.
      pb::DeliverResponse response;
      response.set_ticket(work->requests[i].ticket());
      response.mutable_unavailable()->set_message(std::string(status.message()));
      work->replies[i](std::move(response));
    }
    {
      const std::lock_guard lock(mutex_);
      --(waits ? moving_under_way_ : under_way_);
      std::move(skipped.begin(), skipped.end(), std::back_inserter(moving_));
    }
    StartGroups();
  };
  pool_.Run(std::move(body), std::move(done), BootClock::now() + kPatience);
}

}  // namespace penstock::state
