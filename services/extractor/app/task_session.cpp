#include "services/extractor/app/task_session.h"

#include <algorithm>

#include "services/common/core/status.h"
#include "services/common/core/testpoint.h"
#include "services/common/obs/log.h"
#include "services/extractor/app/blocking.h"
#include "services/extractor/app/state_client.h"

namespace penstock::extractor {
namespace {

constexpr std::chrono::milliseconds kFirstBackoff{2}, kLastBackoff{50};
constexpr int kBeatsWithoutProgress = 2;

StreamId StreamOf(const pb::Task& task) {
  return {task.sync().destination(), Uuid::FromRaw(task.run_id()), task.read(),
          task.sync().metadata().name()};
}

}  // namespace

TaskSession::TaskSession(const pb::Task& task, Options options, StateClient& state,
                         WorkQueue& queue, boost::asio::io_context& io,
                         std::unique_ptr<Spool> spool)
    : task_(task),
      options_(options),
      state_(state),
      queue_(queue),
      io_(io),
      stream_(StreamOf(task)),
      spool_(std::move(spool)),
      last_progress_(BootClock::now()),
      next_beat_(BootClock::now() + options.heartbeat) {
  thread_ = std::thread([this] { Loop(); });
}

TaskSession::~TaskSession() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

absl::Status TaskSession::Open(uint64_t recipe, uint64_t identity_fingerprint) {
  std::unique_lock lock(mutex_);
  recipe_ = recipe;
  identity_fingerprint_ = identity_fingerprint;
  Beat(lock);
  return status_;
}

void TaskSession::SetRows(const penstock::v1::ReadCounts& rows) {
  const std::lock_guard lock(mutex_);
  rows_ = rows;
  ++progress_;
}

void TaskSession::SetWaiting(bool waiting) {
  const std::lock_guard lock(mutex_);
  waiting_ = waiting;
  ++progress_;
}

bool TaskSession::Append(std::string_view batch, Operation operation, uint32_t records) {
  const std::lock_guard lock(mutex_);
  if (!spool_->Append(batch)) return false;
  records_[operation] += records;
  ++progress_;
  wake_.notify_all();
  return true;
}

void TaskSession::Hold(bool hold) {
  const std::lock_guard lock(mutex_);
  hold_ = hold;
  wake_.notify_all();
}

std::unique_ptr<Spool> TaskSession::TakeSpool(std::unique_ptr<Spool> empty) {
  const std::lock_guard lock(mutex_);
  records_.clear();
  return std::exchange(spool_, std::move(empty));
}

uint32_t TaskSession::next_number() const {
  const std::lock_guard lock(mutex_);
  return spool_->appended() + 1;
}

pb::Announcement TaskSession::Announced() const {
  const std::lock_guard lock(mutex_);
  pb::Announcement announced;
  announced.set_last_number(spool_->appended());
  for (const auto& [operation, records] : records_) {
    pb::OperationCount& count = *announced.add_records();
    count.set_operation(static_cast<uint32_t>(operation));
    count.set_records(records);
  }
  announced.set_recipe(recipe_);
  announced.set_identity_fingerprint(identity_fingerprint_);
  return announced;
}

void TaskSession::AnnouncedByEndRead() {
  const std::lock_guard lock(mutex_);
  announced_ = spool_->appended();
  hold_ = false;
  wake_.notify_all();
}

void TaskSession::OnPushed(std::function<void()> done) {
  const std::lock_guard lock(mutex_);
  on_pushed_ = std::move(done);
  wake_.notify_all();
}

bool TaskSession::over() const {
  return !status().ok();
}

absl::Status TaskSession::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void TaskSession::End(absl::Status status) {
  status_ = std::move(status);
  wake_.notify_all();
}

bool TaskSession::MustTell() const {
  return on_pushed_ != nullptr && (!status_.ok() || pushed_ == spool_->appended());
}

void TaskSession::Loop() {
  std::unique_lock lock(mutex_);
  while (!closing_) {
    if (MustTell()) {
      const auto tell = std::exchange(on_pushed_, nullptr);
      lock.unlock();
      tell();
      lock.lock();
      continue;
    }
    if (!status_.ok()) {
      wake_.wait(lock, [this] { return closing_ || MustTell(); });
      continue;
    }
    const BootTime now = BootClock::now();
    const uint32_t appended = hold_ ? announced_ : spool_->appended();
    const bool can_push = pushed_ < announced_;
    if (now >= next_beat_ || (!can_push && announced_ < appended)) {
      Beat(lock);
      continue;
    }
    if (can_push && PushNext(lock)) continue;
    const auto until = can_push ? now + backoff_ : next_beat_;
    wake_.wait_for(lock, std::min<std::chrono::nanoseconds>(until - now, next_beat_ - now), [&] {
      const bool work = pushed_ < announced_ || (!hold_ && announced_ < spool_->appended());
      return closing_ || !status_.ok() || MustTell() || (!can_push && work);
    });
  }
}

void TaskSession::Beat(std::unique_lock<std::mutex>& lock) {
  const BootTime now = BootClock::now();
  if (progress_ != progress_told_ || waiting_) last_progress_ = now;
  progress_told_ = progress_;
  if (now - last_progress_ > options_.heartbeat * kBeatsWithoutProgress) {
    // Beating without progress would hide a task that is stuck: let the lease run out.
    next_beat_ = now + options_.heartbeat;
    return;
  }
  const uint32_t announcing = hold_ ? announced_ : spool_->appended();
  const bool announces = announcing > announced_;
  pb::HeartbeatRequest request;
  request.set_task_id(task_.task_id());
  request.set_fence(task_.fence());
  if (rows_.has_value()) *request.mutable_rows() = *rows_;
  pb::Announcement& announced = *request.mutable_announced();
  announced.set_last_number(announcing);
  if (!hold_) {
    for (const auto& [operation, records] : records_) {
      pb::OperationCount& count = *announced.add_records();
      count.set_operation(static_cast<uint32_t>(operation));
      count.set_records(records);
    }
  }
  announced.set_recipe(recipe_);
  announced.set_identity_fingerprint(identity_fingerprint_);
  lock.unlock();
  const auto response = state_.Heartbeat(request);
  if (announces && response.ok()) PENSTOCK_TESTPOINT("extractor.announced_before_push");
  lock.lock();
  next_beat_ = BootClock::now() + options_.heartbeat;
  if (response.ok()) {
    if (response->stop()) {
      End(Error(ErrorCode::kLEASE_LOST, "the run wants nothing more of this task"));
      return;
    }
    announced_ = std::max(announced_, announcing);
    return;
  }
  const auto code = CodeOf(response.status());
  const bool over = code == ErrorCode::kLEASE_LOST || code == ErrorCode::kIDENTITY_CHANGED;
  if (over || now - last_progress_ > options_.lease) {
    End(response.status());
    return;
  }
  LogWarning("heartbeat_failed", "a lease was not renewed; tries again", response.status(),
             {{"task", task_.task_id()}});
  next_beat_ = BootClock::now() + options_.heartbeat / 4;
}

bool TaskSession::PushNext(std::unique_lock<std::mutex>& lock) {
  // Only this thread opens and pushes.
  const bool open = stream_open_;
  lock.unlock();
  absl::Status taken;
  if (held_.empty()) {
    auto batch = spool_->Take();
    taken = batch.status();
    if (batch.ok()) held_ = *std::move(batch);
  }
  // A Redis that is away or takes no writes holds back the pushes and nothing else.
  const absl::Status opened = taken.ok() && !open ? Await(io_, queue_.Open(stream_)) : taken;
  auto pushed = opened.ok() ? Await(io_, queue_.Push(stream_, held_))
                            : absl::StatusOr<WorkQueue::Pushed>(opened);
  const bool in_redis = pushed.ok() && *pushed == WorkQueue::Pushed::kYes;
  if (in_redis) PENSTOCK_TESTPOINT("extractor.pushed");
  lock.lock();
  ++progress_;  // waiting for room is no fault either
  stream_open_ = opened.ok();
  if (!taken.ok()) {
    End(taken);
    return true;
  }
  if (in_redis) {
    held_.clear();
    backoff_ = {};
    ++pushed_;
    wake_.notify_all();
    return true;
  }
  if (pushed.ok() && *pushed == WorkQueue::Pushed::kGone) {
    End(Error(ErrorCode::kQUEUE_UNAVAILABLE, "Redis lost the batches of this read"));
    return true;
  }
  backoff_ = std::clamp(backoff_ * 2, kFirstBackoff, kLastBackoff);
  return false;
}

}  // namespace penstock::extractor
