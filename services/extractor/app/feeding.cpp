#include "services/extractor/app/feeding.h"

#include <utility>

#include "services/common/core/status.h"
#include "services/common/core/testpoint.h"

namespace penstock::extractor {
namespace {

// Each has a thread and a file. With more, the tasks that read wait for room.
constexpr size_t kMost = 256;

}  // namespace

FeedingTasks::FeedingTasks(Ended ended) : ended_(std::move(ended)) {
  thread_ = std::thread([this] { Loop(); });
}

FeedingTasks::~FeedingTasks() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
  // Their sessions may still tell of an end while they are taken down.
  fed_.clear();
}

void FeedingTasks::Add(Fed fed) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closing_ || fed_.size() < kMost; });
  const auto place = fed_.insert(fed_.end(), std::move(fed));
  TaskSession& session = *place->feeding.session;
  lock.unlock();
  session.OnPushed([this, place] {
    const std::lock_guard told(mutex_);
    if (closing_) return;
    pushed_.splice(pushed_.end(), fed_, place);
    changed_.notify_all();
  });
}

void FeedingTasks::Loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return closing_ || !pushed_.empty(); });
    if (closing_) return;
    std::list<Fed> one;
    one.splice(one.end(), pushed_, pushed_.begin());
    lock.unlock();
    const pb::Task task = one.front().context->task();
    const BootTime began = one.front().began;
    const absl::Status status = Complete(one.front());
    one.clear();
    ended_(task, began, status);
    lock.lock();
  }
}

absl::Status FeedingTasks::Complete(Fed& fed) {
  PENSTOCK_RETURN_IF_ERROR(fed.feeding.session->status());
  PENSTOCK_TESTPOINT("extractor.before_complete");
  return fed.context->workshop().state.CompleteTask(fed.feeding.complete);
}

}  // namespace penstock::extractor
