#include "services/loader/app/lane_runner.h"

#include <algorithm>
#include <utility>

#include "services/common/obs/log.h"

namespace penstock::loader {
namespace {

// Tokens are worth having for as long as the block they came from was meant to last.
constexpr auto kTokensValid = std::chrono::seconds(1);
// When the counters of quotas can't be reached, nothing is sent: ask again after this.
constexpr auto kQuotaAway = std::chrono::seconds(1);
constexpr size_t kMaxReads = 1024;
// Other loaders hear of longer waits by the run being parked.
constexpr std::chrono::milliseconds kLongestQuotaPause = std::chrono::minutes(5);

template <typename... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <typename... F>
Overloaded(F...) -> Overloaded<F...>;

}  // namespace

LaneRunner::LaneRunner(Tasks& tasks, const LaneOptions& options, LaneWorld world)
    : tasks_(tasks),
      lane_(options, Clock::System(), Random::System()),
      world_(std::move(world)),
      metrics_(*world_.metrics, world_.destination),
      timer_(tasks.executor()) {}

JobId LaneRunner::Add(uint32_t records) {
  const JobId id = next_job_++;
  waiters_.emplace(id, std::make_unique<Waiter>(tasks_.executor()));
  lane_.Add({.id = id, .records = records});
  return id;
}

asio::awaitable<LaneRunner::Turn> LaneRunner::Await(JobId id) {
  Waiter& waiter = *waiters_.at(id);
  Pump();
  while (true) {
    if (std::exchange(waiter.started, false)) co_return Turn::kStart;
    if (waiter.expired) co_return Turn::kExpired;
    if (stopped_) co_return Turn::kStopped;
    if (lane_.parked()) co_return Turn::kParked;
    co_await waiter.turn_given.Wait();
  }
}

void LaneRunner::Retry(JobId id, uint32_t records) {
  lane_.Retry(id, records);
}

bool LaneRunner::Finish(JobId id, const Answer& answer) {
  const bool counts = lane_.Finish(id, answer);
  if (answer.verdict == Verdict::kRateLimited && answer.retry_after && !world_.quotas.empty()) {
    const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(*answer.retry_after);
    tasks_.Spawn([](LaneRunner& self, std::chrono::milliseconds pause) -> asio::awaitable<void> {
      // A hint to the other loaders; this one has paused already.
      std::ignore = co_await self.world_.quota->Pause(self.world_.account, self.world_.quotas,
                                                      std::min(pause, kLongestQuotaPause));
    }(*this, wait));
  }
  Pump();
  return counts;
}

void LaneRunner::Abandon(JobId id) {
  lane_.Abandon(id);
}

void LaneRunner::Remove(JobId id) {
  lane_.Remove(id);
  waiters_.erase(id);
  Pump();
}

void LaneRunner::Meet(const Uuid& run, uint32_t read) {
  const bool is_new = !reads_.contains({run, read});
  if (lane_.parked()) {
    const bool wait_over = parked_until_ && *parked_until_ <= BootClock::now();
    if (is_new || wait_over) {
      LogInfo("lane_resumed", "sends again", {{"account", world_.account}});
      lane_.Resume();
    }
  }
  if (reads_.size() >= kMaxReads) reads_.clear();
  if (is_new) reads_.emplace(run, read);
}

void LaneRunner::Stop() {
  stopped_ = true;
  timer_.cancel();
  WakeAll();
}

void LaneRunner::WakeAll() {
  for (const auto& [id, waiter] : waiters_) waiter->turn_given.Notify();
}

void LaneRunner::Pump() {
  bool more = !stopped_;
  while (more) {
    std::visit(
        Overloaded{[&](const LaneStart& start) {
                     waiters_.at(start.id)->started = true;
                     waiters_.at(start.id)->turn_given.Notify();
                   },
                   [&](const LaneExpired& expired) {
                     waiters_.at(expired.id)->expired = true;
                     waiters_.at(expired.id)->turn_given.Notify();
                   },
                   [&](const LaneTakeQuota& take) { tasks_.Spawn(TakeQuota(take.attempts)); },
                   [&](const LaneRefreshCredentials&) { tasks_.Spawn(Refresh()); },
                   [&](const LanePark& park) {
                     if (park.wait)
                       parked_until_ = BootClock::now() + *park.wait;
                     else
                       parked_until_.reset();
                     tasks_.Spawn(Park(park));
                     WakeAll();
                   },
                   [&](const LaneWait& wait) {
                     more = false;
                     if (wait.until) PumpAt(*wait.until);
                   }},
        lane_.Next());
  }
  metrics_.Update(lane_);
}

void LaneRunner::PumpAt(BootTime when) {
  const Duration wait = std::max(when - BootClock::now(), Duration(std::chrono::milliseconds(1)));
  timer_.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(wait));
  timer_.async_wait([this](const boost::system::error_code& cancelled) {
    if (!cancelled) Pump();
  });
}

asio::awaitable<void> LaneRunner::TakeQuota(uint32_t attempts) {
  const auto lease = co_await world_.quota->Lease(world_.account, world_.quotas, attempts);
  const BootTime now = BootClock::now();
  if (!lease.ok()) {
    LogWarning("quota_unknown", "holds back", lease.status(), {{"account", world_.account}});
    lane_.QuotaRefused(now + kQuotaAway);
  } else if (lease->tokens == 0) {
    lane_.QuotaRefused(now + lease->wait);
    metrics_.WaitedForQuota(lease->wait);
  } else {
    lane_.QuotaTaken(static_cast<uint32_t>(lease->tokens), now + kTokensValid);
  }
  Pump();
}

asio::awaitable<void> LaneRunner::Refresh() {
  co_await world_.refresh();
  lane_.CredentialsRefreshed();
  Pump();
}

asio::awaitable<void> LaneRunner::Park(LanePark park) {
  co_await world_.park(park);
}

}  // namespace penstock::loader
