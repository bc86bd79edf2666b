#include "services/state/app/watch.h"

#include "services/common/core/status.h"
#include "services/common/pg/pg_connection.h"
#include "services/state/app/run_facts.h"
#include "services/state/domain/settlement.h"
#include "services/state/domain/task_state.h"

namespace penstock::state {

using std::chrono::milliseconds;

absl::StatusOr<Watch::Lost> Watch::Sweep(PgTransaction& tx) {
  ++sweep_;
  Lost lost;
  PENSTOCK_ASSIGN_OR_RETURN(lost.grants, SweepGrants(tx));
  PENSTOCK_ASSIGN_OR_RETURN(lost.leases, SweepLeases(tx));
  std::erase_if(seen_, [this](const auto& item) { return item.second.sweep != sweep_; });
  return lost;
}

bool Watch::RanOut(const Key& key, int64_t version, milliseconds length) {
  const BootTime now = clock_.Boot();
  auto [it, is_new] = seen_.try_emplace(key, Seen{version, now, sweep_});
  Seen& seen = it->second;
  seen.sweep = sweep_;
  if (seen.version != version) {
    seen.version = version;
    seen.since = now;
  }
  return now - seen.since > length + options_.slack;
}

absl::StatusOr<int64_t> Watch::SweepGrants(PgTransaction& tx) {
  int64_t lost = 0;
  PENSTOCK_ASSIGN_OR_RETURN(PgResult open, tx.Exec("SELECT run, task, number, begins, length_ms, "
                                                   "outcomes, unanswered FROM batches WHERE open"));
  for (int row = 0; row < open.rows(); ++row) {
    const Uuid run = open.GetUuid(row, 0);
    const int64_t task = open.Int(row, 1), number = open.Int(row, 2), begins = open.Int(row, 3);
    if (!RanOut({run, task, number}, begins, milliseconds(open.Int(row, 4)))) continue;
    const std::string_view outcomes = open.Text(row, 5);
    const bool unreported = CountOutcomes(outcomes).of(Outcome::kPending) > 0;
    PENSTOCK_ASSIGN_OR_RETURN(
        PgResult ended,
        tx.Exec("UPDATE batches SET open = false, unanswered = $5, lost_grants = lost_grants + $6 "
                "WHERE run = $1 AND task = $2 AND number = $3 AND begins = $4 AND open AND "
                "outcomes = $7",
                {run, task, number, begins,
                 PgValue::Bytes(UnansweredAfterLoss(outcomes, open.Text(row, 6))),
                 unreported ? 1 : 0, PgValue::Bytes(outcomes)}));
    lost += ended.affected();
    PENSTOCK_RETURN_IF_ERROR(NotifyRun(tx, run));
  }
  return lost;
}

absl::StatusOr<int64_t> Watch::SweepLeases(PgTransaction& tx) {
  int64_t lost = 0;
  PENSTOCK_ASSIGN_OR_RETURN(PgResult leased,
                            tx.Exec("SELECT run, id, beats FROM tasks WHERE state = 2"));
  for (int row = 0; row < leased.rows(); ++row) {
    const Uuid run = leased.GetUuid(row, 0);
    const int64_t task = leased.Int(row, 1), beats = leased.Int(row, 2);
    if (!RanOut({run, task, 0}, beats, options_.lease)) continue;
    PENSTOCK_ASSIGN_OR_RETURN(
        PgResult ended,
        tx.Exec("UPDATE tasks SET state = $3 WHERE id = $1 AND beats = $2 AND state = 2",
                {task, beats, static_cast<int>(TaskState::kLost)}));
    lost += ended.affected();
    PENSTOCK_RETURN_IF_ERROR(NotifyRun(tx, run));
  }
  return lost;
}

}  // namespace penstock::state
