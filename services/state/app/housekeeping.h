#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "services/state/app/watch.h"

namespace penstock {
class Metrics;
class PgPool;
}  // namespace penstock

namespace penstock::state {

// What a replica of state does by itself: watches leases and grants, merges levels, deletes what
// has expired, brings the gauges up to date. Runs on a thread of its own, by the pool's
// connections.
class Housekeeping {
 public:
  // `pool` and `metrics` (with StateMetrics()) must outlive it.
  Housekeeping(PgPool& pool, Metrics& metrics, Watch::Options options,
               std::chrono::nanoseconds interval);
  ~Housekeeping();

  // The last sweep reached the database.
  bool healthy() const { return healthy_; }

 private:
  void Loop();
  absl::Status Sweep();
  absl::Status UpdateGauges();
  absl::Status MergeLevels();

  PgPool& pool_;
  Metrics& metrics_;
  Watch watch_;
  const std::chrono::nanoseconds interval_;
  std::atomic<bool> healthy_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace penstock::state
