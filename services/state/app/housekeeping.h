#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "services/common/core/status.h"
#include "services/state/app/state_metrics.h"
#include "services/state/app/watch.h"

namespace penstock {
class Metrics;
class PgPool;
class Readiness;
}  // namespace penstock

namespace penstock::state {

// What a replica of state does by itself: watches leases and grants, merges levels, deletes what
// has expired, brings the gauges up to date. Runs on a thread of its own, by the pool's
// connections.
class Housekeeping {
 public:
  // The references must outlive it. `metric_labels`: of Syncs, for penstock_sync_info.
  Housekeeping(PgPool& pool, Metrics& metrics, const Readiness& readiness, Watch::Options options,
               std::chrono::nanoseconds interval, std::vector<std::string> metric_labels);
  ~Housekeeping();

  // What the last sweep met: DATABASE_UNAVAILABLE when PostgreSQL can't be reached or written to.
  absl::Status health() const;

 private:
  void Loop();
  absl::Status Sweep();
  absl::Status UpdateGauges(bool slow_too);
  absl::Status ReportItself();
  absl::Status MergeLevels();

  PgPool& pool_;
  Metrics& metrics_;
  const Readiness& readiness_;
  const uint64_t id_;  // of this process among the members
  StateGauges gauges_;
  Watch watch_;
  const std::chrono::nanoseconds interval_;
  mutable std::mutex mutex_;  // guards health_ and closing_
  absl::Status health_ = Error(ErrorCode::kDATABASE_UNAVAILABLE, "PostgreSQL was not asked yet");
  std::condition_variable wake_;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace penstock::state
