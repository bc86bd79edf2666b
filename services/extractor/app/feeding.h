#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "services/extractor/app/task_context.h"
#include "services/extractor/app/task_session.h"

namespace penstock::extractor {

// What is left of a task whose batches are all in its spool: they must reach Redis, then state is
// told that the task is done.
struct Feeding {
  std::unique_ptr<TaskSession> session;
  pb::CompleteTaskRequest complete;
};

// Sees spools emptied. A spool is fed at the pace of its destination, perhaps for hours, so it
// holds no place among the tasks that read: a slow destination keeps no other sync from being read.
class FeedingTasks {
 public:
  // `ended` is told of each task's end, on a thread of its own.
  using Ended = std::function<void(const pb::Task&, BootTime began, const absl::Status&)>;
  explicit FeedingTasks(Ended ended);
  // Gives up what is not pushed.
  ~FeedingTasks();

  struct Fed {
    BootTime began;  // of the task
    std::unique_ptr<TaskContext> context;
    Feeding feeding;
  };
  // Takes a task over; waits while too many are fed already.
  void Add(Fed fed);

 private:
  void Loop();
  static absl::Status Complete(Fed& fed);

  const Ended ended_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::list<Fed> fed_;
  std::list<Fed> pushed_;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace penstock::extractor
