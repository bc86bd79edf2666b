#include "services/extractor/app/task_loop.h"

#include "services/common/convert/run_error.h"
#include "services/common/core/status.h"
#include "services/common/core/testpoint.h"
#include "services/common/obs/log.h"
#include "services/extractor/app/blocking.h"
#include "services/extractor/app/extractor_metrics.h"
#include "services/extractor/app/tasks.h"

namespace penstock::extractor {
namespace {

using std::chrono::milliseconds;

// A new read may help where nobody has to mend anything.
bool MayRetry(const absl::Status& status) {
  return RetryOf(*CodeOf(status)) == Retry::kLater;
}

std::string_view NameOf(pb::TaskKind kind) {
  switch (kind) {
    case pb::TASK_KIND_READ:
      return "read";
    case pb::TASK_KIND_REMOVE:
      return "remove";
    case pb::TASK_KIND_PLAN:
      return "plan";
    default:
      return "unknown";
  }
}

// What is left to feed, if anything.
absl::StatusOr<std::optional<Feeding>> Run(TaskContext& context) {
  switch (context.task().kind()) {
    case pb::TASK_KIND_READ:
      return RunReadTask(context);
    case pb::TASK_KIND_REMOVE:
      return RunRemovalTask(context);
    case pb::TASK_KIND_PLAN:
      PENSTOCK_RETURN_IF_ERROR(RunPlanTask(context));
      return std::nullopt;
    default:
      return Error(ErrorCode::kINTERNAL,
                   "state gave a task of a kind that this extractor doesn't know");
  }
}

}  // namespace

TaskLoop::TaskLoop(Workshop& workshop, uint64_t worker)
    : workshop_(workshop),
      worker_(worker),
      feeding_([this](const pb::Task& task, BootTime began, const absl::Status& status) {
        End(task, began, status);
      }) {
  for (int i = 0; i < workshop.settings.tasks; ++i) slots_.emplace_back([this] { SlotLoop(); });
}

TaskLoop::~TaskLoop() {
  Drain();
  for (std::thread& slot : slots_) slot.join();
}

void TaskLoop::Drain() {
  draining_ = true;
}

void TaskLoop::SlotLoop() {
  while (!draining_) {
    if (!WorkOnce()) WaitForTicket();
  }
}

void TaskLoop::WaitForTicket() {
  const std::lock_guard lock(ticket_mutex_);
  if (draining_) return;
  const auto wait = std::chrono::duration_cast<milliseconds>(workshop_.settings.poll_interval);
  const auto ticket = Await(workshop_.io, workshop_.queue.TakeTicket(wait));
  // Redis is away: state is asked at the same pace all the same.
  if (!ticket.ok()) std::this_thread::sleep_for(wait);
}

bool TaskLoop::WorkOnce() {
  auto leased = workshop_.state.LeaseTask(worker_);
  state_answers_ = leased.ok();
  if (!leased.ok()) {
    LogWarning("lease_failed", "no task could be asked for", leased.status());
    std::this_thread::sleep_for(milliseconds(200));
    return false;
  }
  if (!leased->has_value()) return false;
  PENSTOCK_TESTPOINT("extractor.leased");
  ++busy_;
  Work(**std::move(leased));
  return true;
}

void TaskLoop::Work(pb::Task task) {
  const BootTime began = BootClock::now();
  LogInfo("task_begun", "works on a task",
          {{"run", Uuid::FromRaw(task.run_id()).ToString()},
           {"sync", task.sync().metadata().name()},
           {"task", task.task_id()},
           {"kind", NameOf(task.kind())},
           {"read", task.read()}});
  auto context = TaskContext::Make(workshop_, task);
  if (!context.ok()) return End(task, began, context.status());
  auto left = Run(**context);
  if (left.ok() && left->has_value())
    return feeding_.Add({began, *std::move(context), **std::move(left)});
  context->reset();
  End(task, began, left.status());
}

void TaskLoop::End(const pb::Task& task, BootTime began, const absl::Status& status) {
  --busy_;
  const std::string run = Uuid::FromRaw(task.run_id()).ToString(),
                    sync = task.sync().metadata().name();
  const uint64_t id = task.task_id();
  const bool lost = CodeOf(status) == ErrorCode::kLEASE_LOST;
  CountTask(workshop_.metrics, NameOf(task.kind()),
            status.ok() ? "done"
            : lost      ? "lost"
                        : "failed",
            BootClock::now() - began);
  if (status.ok()) {
    LogInfo("task_done", "a task is done", {{"run", run}, {"sync", sync}, {"task", id}});
    return;
  }
  LogWarning("task_failed", "a task is given up", status,
             {{"run", run}, {"sync", sync}, {"task", id}});
  if (lost) return;
  pb::FailTaskRequest fail;
  fail.set_task_id(id);
  fail.set_fence(task.fence());
  fail.set_retry(MayRetry(status));
  *fail.mutable_error() = RunErrorOf(status);
  if (const absl::Status told = workshop_.state.FailTask(fail); !told.ok()) {
    LogWarning("fail_task_failed", "state was not told that a task is given up; its lease runs out",
               told, {{"task", id}});
  }
}

}  // namespace penstock::extractor
