#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "services/state/app/watch.h"

namespace penstock {
class PgPool;
}

namespace penstock::state {

// What a replica of state does by itself: watches leases and grants, merges levels, deletes what
// has expired. Runs on a thread of its own, by the pool's connections.
class Housekeeping {
 public:
  Housekeeping(PgPool& pool, Watch::Options options, std::chrono::nanoseconds interval);
  ~Housekeeping();

  // The last sweep reached the database.
  bool healthy() const { return healthy_; }

 private:
  void Loop();
  absl::Status MergeLevels();

  PgPool& pool_;
  Watch watch_;
  const std::chrono::nanoseconds interval_;
  std::atomic<bool> healthy_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace penstock::state
