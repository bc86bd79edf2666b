#include "services/state/app/run_hub.h"

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
constexpr auto kRepeatEvery = std::chrono::seconds(15);

void End(RunHub::Stream& stream) {
  stream.End(Error(ErrorCode::kDRAINING, "this replica of state is stopping; watch again"));
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

void RunHub::Add(Watcher watcher) {
  const std::lock_guard lock(mutex_);
  if (closing_) {
    End(*watcher.stream);
    return;
  }
  for (const auto& [run, told] : watcher.followed) dirty_.insert(run);
  if (!watcher.only.has_value()) all_dirty_ = true;
  watchers_.push_back(std::move(watcher));
  wake_.notify_all();
}

void RunHub::FollowOne(const Uuid& run, std::shared_ptr<Stream> stream) {
  Add({.stream = std::move(stream), .only = run, .followed = {{run, Told()}}});
}

void RunHub::FollowMany(std::set<std::string> syncs, std::shared_ptr<Stream> stream) {
  Add({.stream = std::move(stream), .syncs = std::move(syncs)});
}

void RunHub::FollowAlso(const std::vector<Uuid>& runs, const Stream* stream) {
  const std::lock_guard lock(mutex_);
  for (Watcher& watcher : watchers_) {
    if (watcher.stream.get() != stream) continue;
    for (const Uuid& run : runs) watcher.followed.try_emplace(run);
    dirty_.insert(runs.begin(), runs.end());
  }
  wake_.notify_all();
}

void RunHub::WatchAll(std::shared_ptr<Stream> stream) {
  Add({.stream = std::move(stream), .drives = true});
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
        for (const auto& [run, told] : watcher.followed) runs.insert(run);
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

bool RunHub::TellFollower(Watcher& watcher, const Uuid& id, const pb::WatchRunsResponse& message,
                          Time now) {
  const pb::RunFacts& facts = message.facts();
  if (watcher.only.has_value() && *watcher.only != id) return false;
  if (!watcher.syncs.empty() && !watcher.syncs.contains(facts.run().sync())) return false;
  Told& told = watcher.followed[id];
  const bool moved = told.revision != facts.run().revision();
  // What is held back here is told with the next progress.
  const bool due = Terminal(facts) || now - told.at >= kProgressEvery;
  if (!(moved && due) && now - told.at < kRepeatEvery) return false;
  told = {facts.run().revision(), now};
  watcher.stream->WriteLatest(
      message, [](const pb::WatchRunsResponse& waiting, const pb::WatchRunsResponse& newer) {
        return waiting.facts().run().id() == newer.facts().run().id();
      });
  if (!Terminal(facts)) return false;
  watcher.followed.erase(id);
  if (watcher.only.has_value()) watcher.stream->End(absl::OkStatus());
  return watcher.only.has_value();
}

void RunHub::Deliver(const std::vector<pb::RunFacts>& facts, const std::set<Uuid>& notified) {
  const Time now = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  for (const pb::RunFacts& one : facts) {
    const auto id = Uuid::Parse(one.run().id());
    if (!id.ok()) continue;
    pb::WatchRunsResponse message;
    *message.mutable_facts() = one;
    std::erase_if(watchers_, [&](Watcher& watcher) {
      if (!watcher.drives) return TellFollower(watcher, *id, message, now);
      // A planner whose queue is full finds the rest when it reconciles.
      if (notified.contains(*id) || !Terminal(one)) watcher.stream->Write(message);
      return false;
    });
  }
}

}  // namespace penstock::state
