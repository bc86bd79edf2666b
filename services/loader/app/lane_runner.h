#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "services/common/core/uuid.h"
#include "services/common/queue/quota.h"
#include "services/loader/app/account_limits.h"
#include "services/loader/app/loader_metrics.h"
#include "services/loader/app/tasks.h"
#include "services/loader/domain/lane.h"

namespace penstock::loader {

// What a lane needs of the world.
struct LaneWorld {
  std::string account;
  AccountLimits limits;
  QuotaClient* quota = nullptr;
  // Has state charge so many attempts to the long windows.
  std::function<asio::awaitable<absl::StatusOr<QuotaLease>>(int64_t attempts)> charge;
  std::string holder;      // begins the names of who holds slots; nobody else's does
  Duration slot_margin{};  // what a job may spend between its slots and its attempt
  std::string destination;
  Metrics* metrics = nullptr;
  // Reads credentials and connection again.
  std::function<asio::awaitable<void>()> refresh;
  // Parks the account's runs; returns when state has stored it.
  std::function<asio::awaitable<void>(const LanePark&)> park;
};

// A domain Lane for coroutines: each awaits its turn. Thread-confined; outlives its coroutines.
class LaneRunner {
 public:
  enum class Turn : uint8_t {
    kStart,    // make one attempt, then Finish or Abandon
    kExpired,  // its time is over
    kParked,   // the lane starts nothing: hand the batch back
    kStopped,  // the process ends: hand the batch back
  };

  LaneRunner(Tasks& tasks, const LaneOptions& options, LaneWorld world);

  JobId Add(uint32_t records);
  // `attempt`: how long one may take, for the slots that it holds until Finish or Abandon.
  asio::awaitable<Turn> Await(JobId id, Duration attempt);
  // Of a started job: its slots are somebody else's after this.
  BootTime MaySendUntil(JobId id) const { return waiters_.at(id)->slots_end; }
  void Retry(JobId id, uint32_t records);
  bool Finish(JobId id, const Answer& answer);
  void Abandon(JobId id);
  void Remove(JobId id);

  // A parked lane opens when its wait is over, or with a read that began after it was parked: its
  // run was resumed.
  void Meet(const Uuid& run, uint32_t read);
  // No further turns.
  void Stop();

 private:
  struct Waiter {
    explicit Waiter(const asio::any_io_executor& executor) : turn_given(executor) {}
    bool started = false, expired = false;
    std::string slots;  // the name by which it may hold some; empty: none
    BootTime slots_end = BootTime::max();
    Signal turn_given;
  };

  void Pump();
  void WakeAll();
  void PumpAt(BootTime when);
  asio::awaitable<void> TakeQuota(uint32_t attempts);
  asio::awaitable<absl::StatusOr<QuotaLease>> Lease(int64_t attempts);
  void TellQuotas(const std::vector<QuotaWindow>& windows, const QuotaLease& lease);
  // Returns when the job has its slots; false when the lane is parked or stopped.
  asio::awaitable<bool> TakeSlots(JobId id, Duration attempt);
  void ReturnSlots(JobId id);
  asio::awaitable<void> Refresh();
  asio::awaitable<void> Park(LanePark park);

  Tasks& tasks_;
  Lane lane_;
  LaneWorld world_;
  LaneMetrics metrics_;
  JobId next_job_ = 1;
  uint64_t next_slots_ = 1;
  std::unordered_map<JobId, std::unique_ptr<Waiter>> waiters_;
  asio::steady_timer timer_;
  std::set<std::pair<Uuid, uint32_t>> reads_;  // met before it was parked
  std::optional<BootTime> parked_until_;
  bool stopped_ = false;
};

}  // namespace penstock::loader
