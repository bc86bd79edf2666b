#pragma once

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "services/extractor/app/feeding.h"
#include "services/extractor/app/task_context.h"

namespace penstock::extractor {

// Takes tasks and works on them, so many at once as the configuration says, each on a thread of its
// own; a task of which only the spool is left to feed no longer counts. A ticket in Redis wakes it;
// without one it asks state now and then all the same.
class TaskLoop {
 public:
  // `workshop` must outlive it. `worker` names this process to state.
  TaskLoop(Workshop& workshop, uint64_t worker);
  // Takes no new task and waits for those at work, but not for spools.
  ~TaskLoop();

  // Takes no new task from now on.
  void Drain();

  // State answered when it was last asked for a task.
  bool state_answers() const { return state_answers_; }
  // Tasks at work, those that are only fed among them.
  int busy() const { return busy_; }

 private:
  void SlotLoop();
  // Works on one task if there is any.
  bool WorkOnce();
  void Work(pb::Task task);
  void End(const pb::Task& task, BootTime began, const absl::Status& status);
  void WaitForTicket();

  Workshop& workshop_;
  const uint64_t worker_;
  std::atomic<bool> draining_ = false;
  std::atomic<bool> state_answers_ = false;
  std::atomic<int> busy_ = 0;
  std::mutex ticket_mutex_;  // one slot at a time waits for tickets; the others wait for it
  FeedingTasks feeding_;
  std::vector<std::thread> slots_;
};

}  // namespace penstock::extractor
