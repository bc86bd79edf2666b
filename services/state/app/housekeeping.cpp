#include "services/state/app/housekeeping.h"

#include <vector>

#include "services/common/core/random.h"
#include "services/common/core/status.h"
#include "services/common/obs/log.h"
#include "services/common/pg/pg_connection.h"
#include "services/common/pg/pg_pool.h"
#include "services/common/process/membership.h"
#include "services/state/app/member_store.h"
#include "services/state/app/reconcile_store.h"
#include "services/state/app/seal.h"
#include "services/state/app/serve.h"
#include "services/state/app/state_metrics.h"
#include "services/state/domain/levels.h"

namespace penstock::state {
namespace {

constexpr auto kGaugesEvery = std::chrono::seconds(5);
constexpr auto kSlowGaugesEvery = std::chrono::seconds(30);
constexpr auto kMergeEvery = std::chrono::seconds(10);
constexpr auto kExpireEvery = std::chrono::minutes(10);
// A merge may take long; it holds one connection, and its snapshot's row.
constexpr auto kMergePatience = std::chrono::minutes(10);

// A look writes only when something has run out, so it alone would not notice.
absl::Status CheckWritable(PgTransaction& tx) {
  PENSTOCK_ASSIGN_OR_RETURN(PgResult rows,
                            tx.Exec("SELECT current_setting('transaction_read_only') = 'on'"));
  if (!rows.Bool(0, 0)) return absl::OkStatus();
  return Error(ErrorCode::kDATABASE_UNAVAILABLE,
               "PostgreSQL is read-only; point --database at the primary, or turn "
               "default_transaction_read_only off");
}

}  // namespace

Housekeeping::Housekeeping(PgPool& pool, Metrics& metrics, const Readiness& readiness,
                           Watch::Options options, std::chrono::nanoseconds interval,
                           std::vector<std::string> metric_labels)
    : pool_(pool),
      metrics_(metrics),
      readiness_(readiness),
      id_(Random::System().Next()),
      gauges_(metrics, std::move(metric_labels)),
      watch_(options, Clock::System()),
      interval_(interval),
      thread_([this] { Loop(); }) {}

Housekeeping::~Housekeeping() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

absl::Status Housekeeping::health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

void Housekeeping::Loop() {
  for (const char* kind : {"task", "grant"})
    metrics_.GetCounter("penstock_leases_lost_total", {kind});  // there from the start
  BootTime next_gauges = BootClock::now(), next_slow = next_gauges,
           next_merge = BootClock::now() + kMergeEvery,
           next_expiry = BootClock::now() + kExpireEvery;
  std::unique_lock lock(mutex_);
  while (!closing_) {
    lock.unlock();
    const absl::Status swept = Sweep();
    lock.lock();
    health_ = swept;
    lock.unlock();
    if (!swept.ok()) LogWarning("sweep_failed", "leases and grants could not be looked at", swept);
    if (swept.ok() && BootClock::now() >= next_gauges) {
      next_gauges = BootClock::now() + kGaugesEvery;
      const bool slow_too = BootClock::now() >= next_slow;
      if (slow_too) next_slow = BootClock::now() + kSlowGaugesEvery;
      if (absl::Status updated = UpdateGauges(slow_too); !updated.ok())
        LogWarning("gauges_failed", "metrics of runs and syncs are out of date", updated);
      if (absl::Status reported = ReportItself(); !reported.ok())
        LogWarning("member_report_failed", "this replica is not listed", reported);
    }
    if (swept.ok() && BootClock::now() >= next_merge) {
      next_merge = BootClock::now() + kMergeEvery;
      if (absl::Status merged = MergeLevels(); !merged.ok())
        LogWarning("merge_failed", "levels were not merged", merged);
    }
    if (swept.ok() && BootClock::now() >= next_expiry) {
      next_expiry = BootClock::now() + kExpireEvery;
      const absl::Status deleted = pool_.RunAndWait(&DeleteExpired, BootClock::now() + kPatience);
      if (!deleted.ok()) LogWarning("expiry_failed", "what has expired was not deleted", deleted);
    }
    lock.lock();
    wake_.wait_for(lock, interval_, [this] { return closing_; });
  }
}

absl::Status Housekeeping::Sweep() {
  Watch::Lost lost;
  absl::Status swept = pool_.RunAndWait(
      [&](PgTransaction& tx) -> absl::Status {
        PENSTOCK_RETURN_IF_ERROR(CheckWritable(tx));
        PENSTOCK_ASSIGN_OR_RETURN(lost, watch_.Sweep(tx));
        return absl::OkStatus();
      },
      BootClock::now() + kPatience);
  if (!swept.ok()) return swept;
  metrics_.GetCounter("penstock_leases_lost_total", {"task"}).Add(static_cast<double>(lost.leases));
  metrics_.GetCounter("penstock_leases_lost_total", {"grant"})
      .Add(static_cast<double>(lost.grants));
  return absl::OkStatus();
}

absl::Status Housekeeping::UpdateGauges(bool slow_too) {
  PENSTOCK_RETURN_IF_ERROR(pool_.RunAndWait(
      [&](PgTransaction& tx) -> absl::Status {
        PENSTOCK_RETURN_IF_ERROR(gauges_.Read(tx));
        return slow_too ? gauges_.ReadSlow(tx) : absl::OkStatus();
      },
      BootClock::now() + kPatience));
  gauges_.Publish();
  return absl::OkStatus();
}

absl::Status Housekeeping::ReportItself() {
  return pool_.RunAndWait(
      [&](PgTransaction& tx) {
        pb::ReportMemberResponse unused;
        return ReportMember(tx, DescribeProcess(ServiceKind::kState, id_, readiness_), unused);
      },
      BootClock::now() + kPatience);
}

absl::Status Housekeeping::MergeLevels() {
  std::vector<int64_t> snapshots;
  PENSTOCK_RETURN_IF_ERROR(pool_.RunAndWait(
      [&](PgTransaction& tx) -> absl::Status {
        snapshots.clear();
        PENSTOCK_ASSIGN_OR_RETURN(
            PgResult rows,
            tx.Exec("SELECT p.id FROM snapshots p JOIN manifests m ON m.id = p.manifest "
                    "WHERE jsonb_array_length(m.levels) > 1"));
        for (int row = 0; row < rows.rows(); ++row) snapshots.push_back(rows.Int(row, 0));
        return absl::OkStatus();
      },
      BootClock::now() + kPatience));
  for (const int64_t snapshot : snapshots) {
    bool merged = true;
    while (merged) {
      PENSTOCK_RETURN_IF_ERROR(pool_.RunAndWait(
          [&](PgTransaction& tx) -> absl::Status {
            merged = false;
            // One replica merges a snapshot at a time.
            PENSTOCK_ASSIGN_OR_RETURN(PgResult lock,
                                      tx.Exec("SELECT pg_try_advisory_xact_lock($1)", {snapshot}));
            if (!lock.Bool(0, 0)) return absl::OkStatus();
            PENSTOCK_ASSIGN_OR_RETURN(merged, MergeOnce(tx, snapshot));
            return absl::OkStatus();
          },
          BootClock::now() + kMergePatience));
    }
  }
  return absl::OkStatus();
}

}  // namespace penstock::state
