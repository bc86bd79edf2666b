#pragma once

#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "penstock/internal/v1/extraction.pb.h"
#include "services/common/core/clock.h"
#include "services/common/model/operation.h"
#include "services/common/queue/work_queue.h"
#include "services/extractor/app/spool.h"

namespace penstock::extractor {

namespace pb = penstock::internal::v1;

class StateClient;

// What a leased task tells the world while it works: one thread renews the lease, announces batches
// to state and pushes them from the spool to Redis (those that are taken as delivered, to state),
// never before their announcement is stored. The
// task's own thread reads and appends to the spool, and waits for nobody. The lease is renewed only
// while there is progress.
class TaskSession {
 public:
  struct Options {
    std::chrono::nanoseconds heartbeat;
    Duration lease;  // as the grant of the task said
  };

  // All references must outlive it. Starts the thread.
  TaskSession(const pb::Task& task, Options options, StateClient& state, WorkQueue& queue,
              boost::asio::io_context& io, std::unique_ptr<Spool> spool);
  // Stops at once; what is not pushed is lost with the spool.
  ~TaskSession();

  // Tells state the recipe. IDENTITY_CHANGED, LEASE_LOST.
  absl::Status Open(uint64_t recipe, uint64_t identity_fingerprint);

  // The task's thread reports its counters, which also shows that it lives.
  void SetRows(const penstock::v1::ReadCounts& rows);
  // It waits for the warehouse, which may think for long.
  void SetWaiting(bool waiting);
  // Adds a batch; false: the spool is full.
  bool Append(std::string_view batch, Operation operation, uint32_t records);
  // The number that the next appended batch must carry.
  uint32_t next_number() const;
  // Nothing is announced while it holds: who appends still has to know the end of the read.
  void Hold(bool hold);
  // Takes out what was appended while it held, and goes on with `empty`.
  std::unique_ptr<Spool> TakeSpool(std::unique_ptr<Spool> empty);

  // What the task has announced when all its batches are.
  pb::Announcement Announced() const;
  // State has taken the final announcement (EndRead).
  void AnnouncedByEndRead();
  // Calls `done` once, on a thread of its own, when every batch is pushed or the task is over
  // before: see status(). Nothing is appended any more. `done` must not wait.
  void OnPushed(std::function<void()> done);
  // The lease is lost, or the run wants nothing more of the task.
  bool over() const;
  absl::Status status() const;

 private:
  void Loop();
  // All is pushed or over, and somebody waits to hear of it.
  bool MustTell() const;
  // Renews the lease and announces.
  void Beat(std::unique_lock<std::mutex>& lock);
  // The next batch from the spool to held_.
  absl::Status TakeNext();
  // Gives the next batch on; false: who takes it has no room, or is away, now.
  bool PushNext(std::unique_lock<std::mutex>& lock);
  // The held batch, or else the next one, to who takes it.
  absl::StatusOr<WorkQueue::Pushed> GiveOn();
  // The held batch to Redis, for a loader.
  absl::StatusOr<WorkQueue::Pushed> Push();
  // The held batch to state, which takes its records as delivered.
  absl::StatusOr<WorkQueue::Pushed> Adopt();
  void End(absl::Status status);

  const pb::Task task_;
  const Options options_;
  StateClient& state_;
  WorkQueue& queue_;
  boost::asio::io_context& io_;
  const StreamId stream_;

  mutable std::mutex mutex_;  // guards all below
  std::unique_ptr<Spool> spool_;
  std::condition_variable wake_;
  std::optional<penstock::v1::ReadCounts> rows_;  // absent: a task that reads no rows
  std::map<Operation, int64_t> records_;          // of the batches appended
  uint64_t recipe_ = 0, identity_fingerprint_ = 0;
  uint32_t announced_ = 0;  // batches that state knows of
  uint32_t pushed_ = 0;
  bool stream_open_ = false;  // in Redis, by the first push
  bool hold_ = false;
  bool waiting_ = false;
  bool closing_ = false;
  uint64_t progress_ = 0, progress_told_ = 0;
  BootTime last_progress_, next_beat_;
  std::string held_;      // taken from the spool, not given on yet
  bool adopted_ = false;  // the held batch's records are taken as delivered
  std::function<void()> on_pushed_;
  std::chrono::milliseconds backoff_{0};
  absl::Status status_;  // not OK: over
  std::thread thread_;
};

}  // namespace penstock::extractor
