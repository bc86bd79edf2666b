#include "services/state/app/state_metrics.h"

#include "penstock/v1/run.pb.h"
#include "services/common/core/status.h"
#include "services/common/pg/pg_connection.h"
#include "services/state/domain/run_machine.h"

namespace penstock::state {
namespace {

double Seconds(const google::protobuf::Timestamp& time) {
  return static_cast<double>(time.seconds()) + time.nanos() * 1e-9;
}

std::string_view EndName(penstock::v1::RunState state) {
  switch (state) {
    case penstock::v1::RUN_STATE_SUCCEEDED:
      return Name(RunState::kSucceeded);
    case penstock::v1::RUN_STATE_PARTIAL:
      return Name(RunState::kPartial);
    case penstock::v1::RUN_STATE_FAILED:
      return Name(RunState::kFailed);
    case penstock::v1::RUN_STATE_CANCELLED:
      return Name(RunState::kCancelled);
    default:
      return Name(RunState::kSkipped);
  }
}

}  // namespace

std::span<const MetricSpec> StateMetrics() {
  using enum MetricKind;
  static const std::vector<MetricSpec> specs = {
      {kCounter, "penstock_runs_total", "Runs that ended, plans aside.", {"sync", "state"}},
      {kHistogram,
       "penstock_run_seconds",
       "Time of runs that ended, plans aside: late from the due time until the start, queued until "
       "the start, running until the end.",
       {"stage"},
       {0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60, 180, 600, 1800, 3600, 10800, 43200}},
      {kGauge,
       "penstock_runs",
       "Runs that have not ended, by the state of the machine.",
       {"state"}},
      {kGauge,
       "penstock_sync_last_success_timestamp_seconds",
       "When a run of the Sync last succeeded, in seconds since 1970.",
       {"sync"}},
      {kGauge,
       "penstock_sync_lag_seconds",
       "Age of the newest read of the Sync's model that reached its destination whole.",
       {"sync"}},
      {kGauge,
       "penstock_sync_pending_records",
       "Backlog: records that were announced and have no outcome yet.",
       {"sync"}},
      {kGauge,
       "penstock_schedule_overdue_seconds",
       "Since when the Sync's due time waits for a planner; 0: its next one is to come.",
       {"sync"}},
      {kGauge, "penstock_grants_open", "Grants that are open."},
      {kCounter,
       "penstock_leases_lost_total",
       "Leases of tasks and grants of batches that ran out without a word of their holder.",
       {"kind"}},
      {kGauge, "penstock_state_database_queue",
       "Work that waits for a connection to the database."},
  };
  return specs;
}

void CountEnd(Metrics& metrics, const penstock::v1::Run& run) {
  if (run.type() == penstock::v1::RUN_TYPE_PLAN) return;
  metrics.GetCounter("penstock_runs_total", {run.sync(), EndName(run.state())}).Add();
  if (!run.has_start_time()) return;
  const double created = Seconds(run.create_time()), started = Seconds(run.start_time());
  metrics.GetHistogram("penstock_run_seconds", {"queued"}).Observe(started - created);
  if (run.has_schedule_time())
    metrics.GetHistogram("penstock_run_seconds", {"late"})
        .Observe(started - Seconds(run.schedule_time()));
  metrics.GetHistogram("penstock_run_seconds", {"running"})
      .Observe(Seconds(run.end_time()) - started);
}

absl::StatusOr<Census> TakeCensus(PgTransaction& tx) {
  Census census;
  census.runs_by_state.resize(static_cast<size_t>(RunState::kSucceeded));
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult runs, tx.Exec("SELECT state, count(*) FROM runs WHERE state < 9 GROUP BY state"));
  for (int row = 0; row < runs.rows(); ++row)
    census.runs_by_state[static_cast<size_t>(runs.Int(row, 0))] = runs.Int(row, 1);
  PENSTOCK_ASSIGN_OR_RETURN(PgResult grants, tx.Exec("SELECT count(*) FROM batches WHERE open"));
  census.open_grants = grants.Int(0, 0);
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult syncs,
      tx.Exec("SELECT s.name, extract(epoch FROM s.last_success_at)::float8, "
              "extract(epoch FROM now() - s.fresh_at)::float8, coalesce((SELECT sum(o.announced + "
              "o.truncated - o.delivered - o.unchanged - o.skipped - o.rejected - o.in_doubt - "
              "o.withdrawn) FROM runs r JOIN read_operations o ON o.run = r.id AND o.read = r.read "
              "WHERE r.sync = s.name AND r.type = 1 AND r.state BETWEEN 2 AND 8), 0)::bigint, "
              "CASE WHEN s.paused THEN 0 ELSE greatest(extract(epoch FROM now() - s.next_due), 0) "
              "END::float8 "
              "FROM syncs s"));
  for (int row = 0; row < syncs.rows(); ++row) {
    Census::SyncRow& sync = census.syncs.emplace_back();
    sync.name = std::string(syncs.Text(row, 0));
    if (!syncs.IsNull(row, 1)) sync.success = syncs.Double(row, 1);
    if (!syncs.IsNull(row, 2)) sync.lag_seconds = syncs.Double(row, 2);
    sync.pending = syncs.Int(row, 3);
    sync.overdue_seconds = syncs.Double(row, 4);
  }
  return census;
}

void Publish(const Census& census, Metrics& metrics) {
  for (size_t state = 1; state < census.runs_by_state.size(); ++state) {
    metrics.GetGauge("penstock_runs", {Name(static_cast<RunState>(state))})
        .Set(static_cast<double>(census.runs_by_state[state]));
  }
  metrics.GetGauge("penstock_grants_open").Set(static_cast<double>(census.open_grants));
  for (const Census::SyncRow& sync : census.syncs) {
    metrics.GetGauge("penstock_sync_pending_records", {sync.name})
        .Set(static_cast<double>(sync.pending));
    metrics.GetGauge("penstock_schedule_overdue_seconds", {sync.name}).Set(sync.overdue_seconds);
    if (sync.success)
      metrics.GetGauge("penstock_sync_last_success_timestamp_seconds", {sync.name})
          .Set(*sync.success);
    if (sync.lag_seconds)
      metrics.GetGauge("penstock_sync_lag_seconds", {sync.name}).Set(*sync.lag_seconds);
  }
}

}  // namespace penstock::state
