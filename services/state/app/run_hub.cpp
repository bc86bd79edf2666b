#include "services/state/app/run_hub.h"

#include <algorithm>
#include <utility>

#include "services/common/core/status.h"
#include "services/common/obs/log.h"
#include "services/common/pg/pg_pool.h"
#include "services/state/app/run_facts.h"
#include "services/state/app/serve.h"
#include "services/state/domain/run_machine.h"

namespace penstock::state {
namespace {

constexpr auto kProgressEvery = std::chrono::milliseconds(500);

void End(RunHub::Stream& stream) {
  stream.End(
      Error(ErrorCode::kSTATE_UNAVAILABLE, "this replica of state is stopping; watch again"));
}

bool Terminal(const pb::RunFacts& facts) {
  return IsTerminal(static_cast<RunState>(facts.state()));
}

}  // namespace

RunHub::RunHub(PgPool& pool) : pool_(pool), thread_([this] { Loop(); }) {}

RunHub::~RunHub() {
  EndStreams();
  thread_.join();
}

void RunHub::EndStreams() {
  const std::lock_guard lock(mutex_);
  closing_ = true;
  wake_.notify_all();
  for (const Watcher& watcher : std::exchange(watchers_, {})) End(*watcher.stream);
}

void RunHub::Notify(std::string_view run_id) {
  const auto id = Uuid::Parse(run_id);
  const std::lock_guard lock(mutex_);
  if (id.ok()) {
    dirty_.insert(*id);
  } else {
    all_dirty_ = true;
  }
  wake_.notify_all();
}

void RunHub::WatchOne(const Uuid& run, std::shared_ptr<Stream> stream) {
  const std::lock_guard lock(mutex_);
  if (closing_) {
    End(*stream);
    return;
  }
  watchers_.push_back({std::move(stream), run});
  dirty_.insert(run);
  wake_.notify_all();
}

void RunHub::WatchAll(std::shared_ptr<Stream> stream) {
  const std::lock_guard lock(mutex_);
  if (closing_) {
    End(*stream);
    return;
  }
  watchers_.push_back({std::move(stream), std::nullopt});
  all_dirty_ = true;
  wake_.notify_all();
}

void RunHub::Forget(const Stream* stream) {
  const std::lock_guard lock(mutex_);
  std::erase_if(watchers_,
                [stream](const Watcher& watcher) { return watcher.stream.get() == stream; });
}

void RunHub::Loop() {
  std::unique_lock lock(mutex_);
  auto next_progress = std::chrono::steady_clock::now();
  while (!closing_) {
    wake_.wait_until(lock, next_progress,
                     [this] { return closing_ || all_dirty_ || !dirty_.empty(); });
    if (closing_) return;
    std::set<Uuid> runs = std::exchange(dirty_, {});
    const bool all = std::exchange(all_dirty_, false);
    if (std::chrono::steady_clock::now() >= next_progress) {
      next_progress = std::chrono::steady_clock::now() + kProgressEvery;
      for (const Watcher& watcher : watchers_) {
        if (watcher.run.has_value()) runs.insert(*watcher.run);
      }
    }
    if (watchers_.empty() || (runs.empty() && !all)) continue;
    lock.unlock();
    Tell(runs, all);
    lock.lock();
  }
}

void RunHub::Tell(const std::set<Uuid>& runs, bool all) {
  std::vector<pb::RunFacts> facts;
  const absl::Status status = pool_.RunAndWait(
      [&](PgTransaction& tx) -> absl::Status {
        std::set<Uuid> ids = runs;
        if (all) {
          PENSTOCK_ASSIGN_OR_RETURN(const std::vector<Uuid> active, ActiveRuns(tx));
          ids.insert(active.begin(), active.end());
        }
        PENSTOCK_ASSIGN_OR_RETURN(facts, LoadFacts(tx, std::vector<Uuid>(ids.begin(), ids.end())));
        return absl::OkStatus();
      },
      BootClock::now() + kPatience);
  if (!status.ok()) {
    LogWarning("watch_failed", "watchers were not told how runs stand", status);
    return;
  }
  Deliver(facts, runs);
}

void RunHub::Deliver(const std::vector<pb::RunFacts>& facts, const std::set<Uuid>& notified) {
  const std::lock_guard lock(mutex_);
  std::vector<const Stream*> ended;
  for (const pb::RunFacts& one : facts) {
    const auto id = Uuid::Parse(one.run().id());
    if (!id.ok()) continue;
    pb::WatchRunsResponse message;
    *message.mutable_facts() = one;
    for (Watcher& watcher : watchers_) {
      if (!watcher.run.has_value()) {
        // A planner whose queue is full finds the rest when it reconciles.
        if (notified.contains(*id) || !Terminal(one)) watcher.stream->Write(message);
        continue;
      }
      if (*watcher.run != *id || watcher.revision == one.run().revision()) continue;
      watcher.revision = one.run().revision();
      watcher.stream->WriteLatest(message);
      if (Terminal(one)) ended.push_back(watcher.stream.get());
    }
  }
  std::erase_if(watchers_, [&](const Watcher& watcher) {
    if (std::find(ended.begin(), ended.end(), watcher.stream.get()) == ended.end()) return false;
    watcher.stream->End(absl::OkStatus());
    return true;
  });
}

}  // namespace penstock::state
