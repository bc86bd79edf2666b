#include "services/extractor/app/task_session.h"

#include <algorithm>

#include "services/common/core/status.h"
#include "services/common/core/testpoint.h"
#include "services/common/model/batch.h"
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

// Only this thread opens and pushes.
absl::StatusOr<WorkQueue::Pushed> TaskSession::Push() {
  if (!stream_open_) PENSTOCK_RETURN_IF_ERROR(Await(io_, queue_.Open(stream_)));
  stream_open_ = true;
  auto pushed = Await(io_, queue_.Push(stream_, held_));
  if (pushed.ok() && *pushed == WorkQueue::Pushed::kYes) PENSTOCK_TESTPOINT("extractor.pushed");
  return pushed;
}

absl::StatusOr<WorkQueue::Pushed> TaskSession::Adopt() {
  PENSTOCK_ASSIGN_OR_RETURN(const Batch batch, Batch::Decode(held_));
  pb::AdoptRecordsRequest request;
  request.set_task_id(task_.task_id());
  request.set_fence(task_.fence());
  request.set_number(batch.header().id.number);
  request.set_operation(static_cast<uint32_t>(batch.header().operation));
  request.set_records(batch.size());
  request.set_keeps_identity(batch.header().keeps_identity);
  request.set_intents(std::string(batch.packed_intents()));
  PENSTOCK_RETURN_IF_ERROR(state_.AdoptRecords(request));
  PENSTOCK_TESTPOINT("extractor.adopted");
  return WorkQueue::Pushed::kYes;
}

absl::Status TaskSession::TakeNext() {
  PENSTOCK_ASSIGN_OR_RETURN(std::string batch, spool_->Take());
  PENSTOCK_ASSIGN_OR_RETURN(const BatchHeader header, Batch::DecodeHeader(batch));
  adopted_ = header.adopted;
  held_ = std::move(batch);
  return absl::OkStatus();
}

absl::StatusOr<WorkQueue::Pushed> TaskSession::GiveOn() {
  if (held_.empty()) PENSTOCK_RETURN_IF_ERROR(TakeNext());
  return adopted_ ? Adopt() : Push();
}

bool TaskSession::PushNext(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  // A Redis or a state that is away holds back the batches and nothing else.
  const absl::StatusOr<WorkQueue::Pushed> pushed = GiveOn();
  const bool taken = !held_.empty();
  lock.lock();
  ++progress_;  // waiting for room is no fault either
  const auto code = CodeOf(pushed.status());
  if (!taken || code == ErrorCode::kLEASE_LOST || code == ErrorCode::kDATA_CORRUPT) {
    End(pushed.status());
    return true;
  }
  if (pushed.ok() && *pushed == WorkQueue::Pushed::kYes) {
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
