#include "services/loader/app/batch_delivery.h"

#include <algorithm>
#include <utility>

#include "services/common/core/status.h"
#include "services/common/core/testpoint.h"
#include "services/common/model/bitmap.h"
#include "services/common/obs/log.h"
#include "services/loader/app/report_details.h"
#include "services/loader/domain/idempotency.h"

namespace penstock::loader {

BatchDelivery::BatchDelivery(LoaderWorld& world, LaneRunner& lane, std::shared_ptr<ReadPlan> plan,
                             const Batch& batch)
    : world_(world),
      lane_(lane),
      plan_(std::move(plan)),
      batch_(batch),
      grant_(world.deliver, world.tasks.executor(), batch, world.settings.grant_margin),
      piece_ended_(world.tasks.executor()),
      counter_(world.metrics, plan_->sync().meta.name, batch.header().operation, batch.size()) {}

template <typename T>
asio::awaitable<T> BatchDelivery::Timed(Stage stage, asio::awaitable<T> step) {
  const BootTime began = BootClock::now();
  T result = co_await std::move(step);
  ObserveStage(world_.metrics, stage, BootClock::now() - began);
  co_return result;
}

asio::awaitable<EntryFate> BatchDelivery::Run() {
  problem_ = Prepare(plan_);
  if (!problem_.ok()) co_return EntryFate::kPark;
  MakeKeys();
  const JobId job = lane_.Add(batch_.size());
  if (co_await Timed(Stage::kLane, lane_.Await(job, attempt_timeout_)) !=
      LaneRunner::Turn::kStart) {
    lane_.Remove(job);
    co_return EntryFate::kLeave;
  }
  const GrantAnswer granted = co_await Timed(Stage::kGrant, grant_.Acquire(attempt_timeout_));
  if (granted != GrantAnswer::kGranted) {
    StopBecause(granted);
    lane_.Abandon(job);
    lane_.Remove(job);
    co_return *stop_;
  }
  std::vector<Piece> pieces = FirstPieces();
  if (pieces.empty()) {
    lane_.Abandon(job);
    lane_.Remove(job);
  } else {
    // What was refused as poison must be known before anything else is tried.
    co_await ReportProgress();
    Piece first = std::move(pieces.front());
    pieces.erase(pieces.begin());
    const bool careful = grant_.granted().lost_grants() >= kLostGrantsOfPoison;
    if (!careful) {
      for (Piece& piece : std::exchange(pieces, {})) SpawnPiece(std::move(piece));
    }
    co_await RunPiece(job, std::move(first), /*started=*/true);
    co_await RunOthers(std::move(pieces));
    while (running_ > 0) co_await piece_ended_.Wait();
  }
  co_return co_await Conclude();
}

absl::Status BatchDelivery::Prepare(std::shared_ptr<ReadPlan> plan) {
  PENSTOCK_ASSIGN_OR_RETURN(writer_, plan->Writer(batch_.header()));
  plan_ = std::move(plan);
  const OperationSpec* spec = plan_->Spec(batch_.header().operation);
  attempt_timeout_ =
      spec != nullptr && spec->timeout ? Duration(*spec->timeout) : world_.settings.attempt_timeout;
  max_records_ = spec != nullptr ? spec->batch.max_records : batch_.size();
  return absl::OkStatus();
}

// A batch may wait long for its turn, and credentials that were refused are read again meanwhile.
asio::awaitable<void> BatchDelivery::Renew() {
  auto newest = co_await world_.reads.Find(batch_.header().id.run, batch_.header().id.read);
  if (!newest.ok() || *newest == plan_) co_return;
  if (const absl::Status ready = Prepare(*std::move(newest)); !ready.ok()) {
    LogWarning("connection_not_usable", "keeps the old one", ready,
               {{"batch", batch_.header().id.ToString()}});
  }
}

void BatchDelivery::MakeKeys() {
  keys_.reserve(batch_.size());
  for (uint32_t i = 0; i < batch_.size(); ++i) {
    keys_.push_back(IdempotencyKey(plan_->sync().meta.name, plan_->epoch(),
                                   batch_.header().operation, batch_.intent(i)));
  }
}

asio::awaitable<void> BatchDelivery::RunOthers(std::vector<Piece> pieces) {
  for (Piece& piece : pieces) {
    if (stop_) co_return;
    // One after the other and each reported: a record that ends the process takes few with it.
    while (running_ > 0) co_await piece_ended_.Wait();
    co_await ReportProgress();
    const JobId job = lane_.Add(static_cast<uint32_t>(piece.records.size()));
    co_await RunPiece(job, std::move(piece), /*started=*/false);
  }
}

void BatchDelivery::SpawnPiece(Piece piece) {
  const auto records = static_cast<uint32_t>(piece.records.size());
  ++running_;
  world_.tasks.Spawn([](BatchDelivery& self, JobId job, Piece own) -> asio::awaitable<void> {
    co_await self.RunPiece(job, std::move(own), /*started=*/false);
    --self.running_;
    self.piece_ended_.Notify();
  }(*this, lane_.Add(records), std::move(piece)));
}

asio::awaitable<void> BatchDelivery::RunPiece(JobId job, Piece piece, bool started) {
  while (true) {
    if (!started && co_await Timed(Stage::kLane, lane_.Await(job, attempt_timeout_)) !=
                        LaneRunner::Turn::kStart) {
      if (!stop_) stop_ = EntryFate::kLeave;
      break;
    }
    if (!started) co_await Renew();
    GrantAnswer granted = GrantAnswer::kEnded;
    if (!stop_) granted = co_await Timed(Stage::kGrant, grant_.Acquire(attempt_timeout_));
    if (granted != GrantAnswer::kGranted) {
      StopBecause(granted);
      lane_.Abandon(job);
      break;
    }
    started = false;
    ++in_flight_;
    sent_ = unreported_ = true;
    const Answer answer = co_await Timed(Stage::kAttempt, Attempt(job, piece));
    --in_flight_;
    const bool counts = lane_.Finish(job, answer);
    std::vector<Piece> next = outcomes_->Apply(std::move(piece), answer, counts);
    for (size_t i = 1; i < next.size(); ++i) SpawnPiece(std::move(next[i]));
    if (!outcomes_->done()) co_await ReportProgress();
    if (next.empty()) break;
    piece = std::move(next.front());
    lane_.Retry(job, static_cast<uint32_t>(piece.records.size()));
  }
  lane_.Remove(job);
}

asio::awaitable<Answer> BatchDelivery::Attempt(JobId job, const Piece& piece) {
  std::vector<std::string> keys;
  keys.reserve(piece.records.size());
  for (const uint32_t record : piece.records) keys.push_back(keys_[record]);
  // Some writers ask from a thread of their own, so it gets a value that nobody changes.
  const BootTime ends = std::min(grant_.ends(), lane_.MaySendUntil(job));
  const auto may_write = [ends, asked = 0]() mutable {
    if (++asked == 2) PENSTOCK_TESTPOINT("loader.mid_request");
    return BootClock::now() < ends;
  };
  const WriteRequest request{.batch = &batch_,
                             .records = piece.records,
                             .keys = keys,
                             .deadline = std::min(BootClock::now() + attempt_timeout_, ends),
                             .may_write = may_write};
  const std::shared_ptr<ReadPlan> plan = plan_;  // the writer is its, whatever comes meanwhile
  Answer answer = co_await writer_->Write(request);
  CountAttempt(world_.metrics, plan->destination().meta.name, answer);
  PENSTOCK_TESTPOINT("loader.sent_before_report");
  co_return answer;
}

asio::awaitable<void> BatchDelivery::ReportProgress() {
  if (in_flight_ > 0 || !unreported_ || stop_) co_return;
  const GrantAnswer reported = co_await Report();
  if (reported != GrantAnswer::kGranted) StopBecause(reported);
}

asio::awaitable<GrantAnswer> BatchDelivery::Report() {
  unreported_ = false;
  const bool all_answered = outcomes_->all_answered();
  if (all_answered) sent_ = false;
  if (outcomes_->untouched()) {
    // No attempt has left, or each was refused as a whole: there is nothing to be in doubt of.
    co_await grant_.Release();
    co_return GrantAnswer::kGranted;
  }
  const GrantAnswer stored = co_await Timed(
      Stage::kReport, grant_.Report(outcomes_->PackedOutcomes(), outcomes_->PackedUnanswered(),
                                    ReportDetails(batch_, outcomes_->TakeDetails()), all_answered));
  if (stored == GrantAnswer::kGranted) counter_.Count(*outcomes_);
  co_return stored;
}

asio::awaitable<EntryFate> BatchDelivery::Conclude() {
  if (unreported_ && stop_ != EntryFate::kAgain) {
    const GrantAnswer reported = co_await Report();
    if (reported != GrantAnswer::kGranted) StopBecause(reported);
  }
  if (!sent_) co_await grant_.Release();
  LogDebug("batch_delivered", outcomes_->done() ? "settled" : "put back",
           {{"run", batch_.header().id.run.ToString()},
            {"sync", plan_->sync().meta.name},
            {"batch", batch_.header().id.ToString()},
            {"records", batch_.size()},
            {"open", outcomes_->open()}});
  PENSTOCK_TESTPOINT("loader.reported_before_settle");
  co_return stop_.value_or(outcomes_->done() ? EntryFate::kSettle : EntryFate::kLeave);
}

void BatchDelivery::StopBecause(GrantAnswer answer) {
  if (answer == GrantAnswer::kLost) stop_ = EntryFate::kAgain;
  if (stop_) return;
  stop_ = answer == GrantAnswer::kOver    ? EntryFate::kSettle
          : answer == GrantAnswer::kLimit ? EntryFate::kLater
                                          : EntryFate::kLeave;
}

}  // namespace penstock::loader
