#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "services/common/core/clock.h"
#include "services/common/pg/pg_connection.h"

namespace penstock {

// A bounded number of connections, each with a thread of its own, so that no gRPC callback thread
// ever waits for the database. Thread-safe.
class PgPool {
 public:
  struct Options {
    std::string conninfo;
    std::string password_file = {};  // as PgConnection::Connect takes it
    int connections = 8;
    size_t max_waiting = 10'000;  // work beyond it is refused at once
    // Told of each piece of work how long it had a connection, on the pool's threads.
    std::function<void(Duration)> observe = [](Duration) {};
  };

  // The body of a transaction; may run again when it lost a race, so it must only touch the
  // database and its own captured result.
  using Body = std::function<absl::Status(PgTransaction&)>;
  using Done = std::function<void(absl::Status)>;

  explicit PgPool(Options options);
  // Finishes what waits.
  ~PgPool();

  // Runs `body` in a transaction, commits it, then calls `done` on the pool's thread.
  // DATABASE_UNAVAILABLE when there is no connection, when too much waits, or when `deadline`
  // passes before a connection is free.
  void Run(Body body, Done done, BootTime deadline);
  // The same for threads that may wait.
  absl::Status RunAndWait(Body body, BootTime deadline);

  // Work that waits for a connection now.
  size_t waiting() const;
  // Connections that are at work now.
  int busy() const { return busy_; }
  int connections() const { return options_.connections; }

 private:
  struct Work {
    Body body;
    Done done;
    BootTime deadline;
  };

  void Loop();
  absl::Status RunOn(std::unique_ptr<PgConnection>& connection, const Work& work) const;

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Work> queue_;
  bool closing_ = false;
  std::atomic<int> busy_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace penstock
