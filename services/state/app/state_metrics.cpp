#include "services/state/app/state_metrics.h"

#include <boost/json.hpp>
#include <chrono>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "penstock/internal/v1/delivery.pb.h"
#include "penstock/v1/run.pb.h"
#include "services/common/core/status.h"
#include "services/common/core/units.h"
#include "services/common/core/version.h"
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

// What a PARTIAL run without a notice did not deliver, and who must act.
penstock::v1::RunError NotDelivered(const penstock::v1::Run& run) {
  Owner owner = Owner::kPenstock;
  for (const penstock::v1::OperationCounts& counts : run.operations()) {
    if (counts.rejected() > 0) owner = Owner::kUser;
    if (counts.in_doubt() > 0 && owner != Owner::kUser) owner = Owner::kDestination;
  }
  penstock::v1::RunError error;
  error.set_code("RECORDS_NOT_DELIVERED");
  error.set_owner(std::string(Name(owner)));
  return error;
}

void CountFailure(Metrics& metrics, const penstock::v1::Run& run,
                  const penstock::v1::RunError& error) {
  metrics.GetCounter("penstock_run_failures_total", {run.sync(), error.code(), error.owner()})
      .Add();
}

std::string_view ParkReasonName(int64_t reason) {
  switch (reason) {
    case penstock::internal::v1::PARK_REASON_QUOTA:
      return "quota";
    case penstock::internal::v1::PARK_REASON_DESTINATION_DOWN:
      return "destination_down";
    default:
      return "user";
  }
}

// "MODE_UPSERT" -> "upsert", as files have it.
std::string ModeName(std::string_view mode) {
  constexpr std::string_view kPrefix = "MODE_";
  if (mode.starts_with(kPrefix)) mode.remove_prefix(kPrefix.size());
  return absl::AsciiStrToLower(Absl(mode));
}

// Of the columns every_us, cron, timezone, and whether there are parents, from the seventh on.
std::string ScheduleText(const PgResult& rows, int row) {
  if (!rows.Text(row, 7).empty())
    return absl::StrCat(Absl(rows.Text(row, 7)), " ", Absl(rows.Text(row, 8)));
  if (rows.Int(row, 6) > 0)
    return "every " + FormatDuration(std::chrono::microseconds(rows.Int(row, 6)));
  return rows.Bool(row, 9) ? "after" : "manual";
}

}  // namespace

void CountEnd(Metrics& metrics, const penstock::v1::Run& run) {
  if (run.type() == penstock::v1::RUN_TYPE_PLAN) return;
  metrics.GetCounter("penstock_runs_total", {run.sync(), EndName(run.state())}).Add();
  if (run.state() == penstock::v1::RUN_STATE_FAILED) CountFailure(metrics, run, run.error());
  if (run.state() == penstock::v1::RUN_STATE_PARTIAL)
    CountFailure(metrics, run, run.notices_size() > 0 ? run.notices(0) : NotDelivered(run));
  if (!run.has_start_time()) return;
  const double created = Seconds(run.create_time()), started = Seconds(run.start_time());
  metrics.GetHistogram("penstock_run_seconds", {"queued"}).Observe(started - created);
  if (run.has_schedule_time())
    metrics.GetHistogram("penstock_run_seconds", {"late"})
        .Observe(started - Seconds(run.schedule_time()));
  metrics.GetHistogram("penstock_run_seconds", {"running"})
      .Observe(Seconds(run.end_time()) - started);
}

absl::Status StateGauges::Read(PgTransaction& tx) {
  for (const char* name :
       {"penstock_runs", "penstock_grants_open", "penstock_instances", "penstock_schema_version",
        "penstock_sync_paused", "penstock_sync_created_timestamp_seconds",
        "penstock_sync_last_success_timestamp_seconds", "penstock_sync_fresh_timestamp_seconds",
        "penstock_sync_schedule_interval_seconds", "penstock_sync_next_due_timestamp_seconds",
        "penstock_sync_run_start_timestamp_seconds", "penstock_sync_progress_timestamp_seconds",
        "penstock_sync_parked_timestamp_seconds", "penstock_sync_pending_records"})
    read_[name].clear();
  PENSTOCK_ASSIGN_OR_RETURN(PgResult totals,
                            tx.Exec("SELECT (SELECT count(*) FROM batches WHERE open), "
                                    "(SELECT max(version) FROM schema_versions)"));
  Add("penstock_grants_open", {}, static_cast<double>(totals.Int(0, 0)));
  Add("penstock_schema_version", {}, static_cast<double>(totals.Int(0, 1)));
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult members,
      tx.Exec("SELECT service, version, count(*) FROM members WHERE seen_at > now() - "
              "interval '30 s' GROUP BY service, version"));
  std::set<std::string_view> missing = {"state", "planner", "extractor", "loader"};
  for (int row = 0; row < members.rows(); ++row) {
    Add("penstock_instances",
        {std::string(members.Text(row, 0)), std::string(members.Text(row, 1))},
        static_cast<double>(members.Int(row, 2)));
    missing.erase(members.Text(row, 0));
  }
  for (const std::string_view service : missing)
    Add("penstock_instances", {std::string(service), std::string(kVersion)}, 0);
  PENSTOCK_RETURN_IF_ERROR(ReadSyncs(tx));
  return ReadRuns(tx);
}

absl::Status StateGauges::ReadSyncs(PgTransaction& tx) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("WITH RECURSIVE ancestors AS (SELECT sync, parent FROM sync_parents UNION "
              "SELECT a.sync, c.parent FROM ancestors a JOIN sync_parents c ON c.sync = a.parent) "
              "SELECT s.name, paused, extract(epoch FROM last_success_at)::float8, "
              "extract(epoch FROM fresh_at)::float8, "
              "CASE WHEN interval_us > 0 THEN interval_us ELSE coalesce((SELECT max(p.interval_us) "
              "FROM ancestors a JOIN syncs p ON p.name = a.parent WHERE a.sync = s.name), 0) END, "
              "CASE WHEN NOT paused THEN extract(epoch FROM next_due)::float8 END, "
              "extract(epoch FROM r.created_at)::float8 "
              "FROM syncs s LEFT JOIN resources r ON r.kind = 'Sync' AND r.name = s.name"));
  syncs_.clear();
  for (int row = 0; row < rows.rows(); ++row) {
    const std::string name(rows.Text(row, 0));
    syncs_.insert(name);
    Add("penstock_sync_paused", {name}, rows.Bool(row, 1) ? 1 : 0);
    if (!rows.IsNull(row, 2))
      Add("penstock_sync_last_success_timestamp_seconds", {name}, rows.Double(row, 2));
    if (!rows.IsNull(row, 3))
      Add("penstock_sync_fresh_timestamp_seconds", {name}, rows.Double(row, 3));
    if (rows.Int(row, 4) > 0)
      Add("penstock_sync_schedule_interval_seconds", {name},
          static_cast<double>(rows.Int(row, 4)) / 1e6);
    if (!rows.IsNull(row, 6))
      Add("penstock_sync_created_timestamp_seconds", {name}, rows.Double(row, 6));
    if (!rows.IsNull(row, 5))
      Add("penstock_sync_next_due_timestamp_seconds", {name}, rows.Double(row, 5));
  }
  return absl::OkStatus();
}

absl::Status StateGauges::ReadRuns(PgTransaction& tx) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult states, tx.Exec("SELECT state, count(*) FROM runs WHERE state < 9 GROUP BY state"));
  std::vector<int64_t> by_state(static_cast<size_t>(RunState::kSucceeded));
  for (int row = 0; row < states.rows(); ++row)
    by_state[static_cast<size_t>(states.Int(row, 0))] = states.Int(row, 1);
  for (size_t state = 1; state < by_state.size(); ++state) {
    Add("penstock_runs", {std::string(Name(static_cast<RunState>(state)))},
        static_cast<double>(by_state[state]));
  }
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("SELECT r.sync, extract(epoch FROM r.started_at)::float8, "
              "extract(epoch FROM greatest(r.changed_at, d.moved_at, max(o.moved_at)))::float8, "
              "CASE WHEN r.state = 8 THEN extract(epoch FROM r.parked_at)::float8 END, "
              "r.park_reason, coalesce(r.error->>'owner', ''), "
              "coalesce(sum(o.announced + o.truncated - o.delivered - o.unchanged - o.skipped - "
              "o.rejected - o.in_doubt - o.withdrawn), 0)::bigint "
              "FROM runs r LEFT JOIN reads d ON d.run = r.id AND d.read = r.read "
              "LEFT JOIN read_operations o ON o.run = r.id AND o.read = r.read "
              "WHERE r.type = 1 AND r.state BETWEEN 2 AND 8 "
              "GROUP BY r.id, d.run, d.read"));
  std::map<std::string, double> pending;
  for (const std::string& sync : syncs_) pending[sync] = 0;
  for (int row = 0; row < rows.rows(); ++row) {
    const std::string sync(rows.Text(row, 0));
    if (!rows.IsNull(row, 1))
      Add("penstock_sync_run_start_timestamp_seconds", {sync}, rows.Double(row, 1));
    Add("penstock_sync_progress_timestamp_seconds", {sync}, rows.Double(row, 2));
    if (!rows.IsNull(row, 3)) {
      Add("penstock_sync_parked_timestamp_seconds",
          {sync, std::string(ParkReasonName(rows.Int(row, 4))), std::string(rows.Text(row, 5))},
          rows.Double(row, 3));
    }
    pending[sync] = static_cast<double>(rows.Int(row, 6));
  }
  for (const auto& [sync, records] : pending) Add("penstock_sync_pending_records", {sync}, records);
  return absl::OkStatus();
}

absl::Status StateGauges::ReadSlow(PgTransaction& tx) {
  for (const char* name : {"penstock_sync_info", "penstock_sync_delivered_rows",
                           "penstock_sync_rejected_records", "penstock_database_size_bytes"})
    read_[name].clear();
  PENSTOCK_RETURN_IF_ERROR(ReadInfo(tx));
  PENSTOCK_ASSIGN_OR_RETURN(PgResult size, tx.Exec("SELECT pg_database_size(current_database())"));
  Add("penstock_database_size_bytes", {}, static_cast<double>(size.Int(0, 0)));
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult delivered,
      tx.Exec("SELECT s.name, coalesce(sum(g.entries), 0)::bigint FROM syncs s "
              "JOIN snapshots p ON p.id = s.snapshot LEFT JOIN manifests m ON m.id = p.manifest "
              "LEFT JOIN LATERAL jsonb_array_elements(m.levels) AS l (level) ON true "
              "LEFT JOIN LATERAL jsonb_array_elements(l.level) AS e (segment) ON true "
              "LEFT JOIN segments g ON g.id = e.segment::bigint GROUP BY s.name"));
  for (int row = 0; row < delivered.rows(); ++row)
    Add("penstock_sync_delivered_rows", {std::string(delivered.Text(row, 0))},
        static_cast<double>(delivered.Int(row, 1)));
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rejected,
      tx.Exec("SELECT s.name, x.code, count(*) FROM syncs s, LATERAL (SELECT id FROM runs r WHERE "
              "r.sync = s.name AND r.type = 1 AND r.state BETWEEN 2 AND 11 "
              "ORDER BY r.id DESC LIMIT 1) r, rejected x WHERE x.run = r.id GROUP BY 1, 2"));
  for (int row = 0; row < rejected.rows(); ++row) {
    const std::string code(rejected.Text(row, 1));
    Add("penstock_sync_rejected_records",
        {std::string(rejected.Text(row, 0)), code,
         std::string(Name(OwnerOf(ErrorCodeByName(code))))},
        static_cast<double>(rejected.Int(row, 2)));
  }
  return absl::OkStatus();
}

absl::Status StateGauges::ReadInfo(PgTransaction& tx) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("SELECT s.name, r.spec->'sync'->>'model', m.spec->'model'->>'source', s.destination, "
              "s.account, r.spec->'sync'->>'mode', s.every_us, s.cron, s.timezone, "
              "EXISTS (SELECT 1 FROM sync_parents c WHERE c.sync = s.name), r.labels::text "
              "FROM syncs s JOIN resources r ON r.kind = 'Sync' AND r.name = s.name "
              "LEFT JOIN resources m ON m.kind = 'Model' AND m.name = r.spec->'sync'->>'model'"));
  for (int row = 0; row < rows.rows(); ++row) {
    std::vector<std::string> values;
    for (int column = 0; column < 5; ++column)
      values.emplace_back(rows.IsNull(row, column) ? "" : rows.Text(row, column));
    values.push_back(ModeName(rows.IsNull(row, 5) ? "" : rows.Text(row, 5)));
    values.push_back(ScheduleText(rows, row));
    const boost::json::value labels =
        boost::json::parse({rows.Text(row, 10).data(), rows.Text(row, 10).size()});
    for (const std::string& label : labels_) {
      const boost::json::value* value = labels.as_object().if_contains(label);
      values.emplace_back(value == nullptr ? "" : std::string(value->as_string()));
    }
    Add("penstock_sync_info", std::move(values), 1);
  }
  return absl::OkStatus();
}

void StateGauges::Add(std::string_view name, std::vector<std::string> labels, double value) {
  read_[std::string(name)].push_back({std::move(labels), value});
}

void StateGauges::Publish() {
  for (const auto& [name, values] : read_) metrics_.SetGauges(name, values);
  metrics_.DropCounters("sync", [this](std::string_view sync, std::chrono::nanoseconds) {
    return !syncs_.contains(sync);
  });
}

}  // namespace penstock::state
