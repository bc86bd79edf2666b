#include "services/loader/app/lane_runner.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "services/common/core/units.h"
#include "services/common/flow/backoff.h"
#include "services/common/obs/log.h"

namespace penstock::loader {
namespace {

// Tokens are worth having for as long as the block they came from was meant to last.
constexpr auto kTokensValid = std::chrono::seconds(1);
// When the counters of quotas can't be reached, nothing is sent: ask again after this.
constexpr auto kQuotaAway = std::chrono::seconds(1);
constexpr size_t kMaxReads = 1024;
// How soon a job asks again for slots that other loaders hold.
constexpr auto kSlotPause = std::chrono::milliseconds(50);
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

asio::awaitable<LaneRunner::Turn> LaneRunner::Await(JobId id, Duration attempt) {
  Waiter& waiter = *waiters_.at(id);
  Pump();
  while (true) {
    if (std::exchange(waiter.started, false)) {
      if (co_await TakeSlots(id, attempt)) co_return Turn::kStart;
      lane_.Abandon(id);
    }
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
  ReturnSlots(id);
  const bool counts = lane_.Finish(id, answer);
  if (answer.verdict == Verdict::kRateLimited && answer.retry_after &&
      !world_.limits.windows.empty()) {
    const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(*answer.retry_after);
    tasks_.Spawn([](LaneRunner& self, std::chrono::milliseconds pause) -> asio::awaitable<void> {
      // A hint to the other loaders; this one has paused already.
      std::ignore = co_await self.world_.quota->Pause(
          self.world_.account, self.world_.limits.windows, std::min(pause, kLongestQuotaPause));
    }(*this, wait));
  }
  Pump();
  return counts;
}

void LaneRunner::Abandon(JobId id) {
  ReturnSlots(id);
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

asio::awaitable<absl::StatusOr<QuotaLease>> LaneRunner::Lease(int64_t attempts) {
  auto lease = co_await world_.quota->Lease(world_.account, world_.limits.windows, attempts);
  if (lease.ok()) TellQuotas(world_.limits.windows, *lease);
  if (!lease.ok() || lease->tokens == 0 || world_.limits.long_windows.empty()) co_return lease;
  // What the short windows gave is lost when this gives less; it comes back within the minute.
  auto charged = co_await world_.charge(lease->tokens);
  if (charged.ok()) TellQuotas(world_.limits.long_windows, *charged);
  co_return charged;
}

void LaneRunner::TellQuotas(const std::vector<QuotaWindow>& windows, const QuotaLease& lease) {
  for (size_t i = 0; i < std::min(windows.size(), lease.used.size()); ++i)
    TellQuota(*world_.metrics, world_.account, windows[i], lease.used[i]);
}

asio::awaitable<void> LaneRunner::TakeQuota(uint32_t attempts) {
  const auto lease = co_await Lease(attempts);
  const BootTime now = BootClock::now();
  if (!lease.ok()) {
    LogWarning("quota_unknown", "holds back", lease.status(), {{"account", world_.account}});
    lane_.QuotaRefused(now + kQuotaAway);
  } else if (lease->tokens == 0 && lease->wait > kLongestPause) {
    lane_.QuotaExhausted(
        lease->wait,
        fmt::format("quota {} of account {} is used up; it has room again in {}", lease->used_up,
                    world_.account,
                    FormatDuration(std::chrono::ceil<std::chrono::seconds>(lease->wait))));
  } else if (lease->tokens == 0) {
    lane_.QuotaRefused(now + lease->wait);
  } else {
    lane_.QuotaTaken(static_cast<uint32_t>(lease->tokens), now + kTokensValid);
  }
  Pump();
}

asio::awaitable<bool> LaneRunner::TakeSlots(JobId id, Duration attempt) {
  if (world_.limits.slots.empty()) co_return true;
  Waiter& waiter = *waiters_.at(id);
  // Each attempt has a name of its own, for slots may be given back later than taken anew.
  waiter.slots = fmt::format("{}/{}", world_.holder, next_slots_++);
  const auto length = std::chrono::ceil<std::chrono::milliseconds>(attempt + world_.slot_margin);
  while (!stopped_ && !lane_.parked()) {
    waiter.slots_end = BootClock::now() + length;
    const auto taken =
        co_await world_.quota->TakeSlots(world_.account, world_.limits.slots, waiter.slots, length);
    if (taken.ok() && *taken) co_return true;
    if (!taken.ok()) {
      LogWarning("slots_unknown", "holds back", taken.status(), {{"account", world_.account}});
    }
    co_await waiter.turn_given.WaitFor(kSlotPause);
  }
  ReturnSlots(id);
  co_return false;
}

void LaneRunner::ReturnSlots(JobId id) {
  std::string holder = std::exchange(waiters_.at(id)->slots, {});
  if (holder.empty()) return;
  tasks_.Spawn([](LaneRunner& self, std::string name) -> asio::awaitable<void> {
    // Slots that can't be returned end by themselves.
    std::ignore = co_await self.world_.quota->ReturnSlots(self.world_.account,
                                                          self.world_.limits.slots, name);
  }(*this, std::move(holder)));
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
