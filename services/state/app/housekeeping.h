#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "services/common/core/status.h"
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

  // What the last sweep met: DATABASE_UNAVAILABLE when PostgreSQL can't be reached or written to.
  absl::Status health() const;

 private:
  void Loop();
  absl::Status Sweep();
  absl::Status UpdateGauges();
  absl::Status MergeLevels();

  PgPool& pool_;
  Metrics& metrics_;
  Watch watch_;
  const std::chrono::nanoseconds interval_;
  mutable std::mutex mutex_;  // guards health_ and closing_
  absl::Status health_ = Error(ErrorCode::kDATABASE_UNAVAILABLE, "PostgreSQL was not asked yet");
  std::condition_variable wake_;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace penstock::state
