#include "services/state/app/run_facts.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/common/core/status.h"
#include "services/common/model/operation.h"
#include "services/common/pg/pg_connection.h"
#include "services/state/app/partial_run.h"
#include "services/state/app/proto_json.h"
#include "services/state/domain/run_machine.h"

namespace penstock::state {
namespace {

namespace v1 = penstock::v1;

void SetTime(const PgResult& rows, int row, int column,
             google::protobuf::Timestamp* (v1::Run::*mutable_time)(), v1::Run& run) {
  if (rows.IsNull(row, column)) return;
  const int64_t us = rows.Micros(row, column);
  google::protobuf::Timestamp* time = (run.*mutable_time)();
  time->set_seconds(us / 1'000'000);
  time->set_nanos(static_cast<int32_t>(us % 1'000'000 * 1000));
}

v1::RunState PublicState(RunState state) {
  switch (state) {
    case RunState::kQueued:
      return v1::RUN_STATE_QUEUED;
    case RunState::kReading:
    case RunState::kDelivering:
    case RunState::kRemoving:
    case RunState::kFinalizing:
    case RunState::kParking:
      return v1::RUN_STATE_RUNNING;
    case RunState::kParked:
      return v1::RUN_STATE_PARKED;
    case RunState::kCancelling:
      return v1::RUN_STATE_CANCELLING;
    case RunState::kSucceeded:
      return v1::RUN_STATE_SUCCEEDED;
    case RunState::kPartial:
      return v1::RUN_STATE_PARTIAL;
    case RunState::kFailed:
      return v1::RUN_STATE_FAILED;
    case RunState::kCancelled:
      return v1::RUN_STATE_CANCELLED;
    case RunState::kSkipped:
      return v1::RUN_STATE_SKIPPED;
  }
  return v1::RUN_STATE_UNSPECIFIED;
}

v1::RunPhase Phase(RunState state) {
  switch (state) {
    case RunState::kReading:
      return v1::RUN_PHASE_READING;
    case RunState::kDelivering:
      return v1::RUN_PHASE_DELIVERING;
    case RunState::kRemoving:
      return v1::RUN_PHASE_REMOVING;
    case RunState::kFinalizing:
      return v1::RUN_PHASE_FINALIZING;
    case RunState::kParking:
      return v1::RUN_PHASE_PARKING;
    default:
      return v1::RUN_PHASE_UNSPECIFIED;
  }
}

constexpr const char* kRunColumns = R"(
  SELECT r.id, r.sync, r.type, r.state, r.revision, r.trigger, r.created_at, r.started_at, r.ended_at, r.scheduled_at,
         r.read,
         CASE WHEN EXISTS (SELECT 1 FROM read_operations o WHERE o.run = r.id AND o.read = r.read
                           AND o.delivered + o.unchanged + o.skipped + o.rejected > 0)
              THEN 0 ELSE r.fruitless_reads END,
         r.allow_removals, r.error::text, r.notices::text, r.park_reason, r.park_until,
         (extract(epoch FROM coalesce(r.park_until, now()) - now()) * 1000)::bigint,
         (extract(epoch FROM now() - coalesce(r.parked_at, now())) * 1000)::bigint,
         r.destination, r.account,
         d.whole, d.rows_read, d.unchanged, d.deferred, d.invalid, d.skipped, d.copies, d.changed,
         (extract(epoch FROM now() - d.begun_at) * 1000)::bigint, d.removes, d.give_up_after_ms, d.max_rejected,
         d.max_rejected_min,
         (SELECT count(*) FROM batches b WHERE b.run = r.id AND b.open),
         coalesce((SELECT s.expected_rows FROM syncs s WHERE s.name = r.sync), 0),
         NOT EXISTS (SELECT 1 FROM runs a WHERE a.sync = r.sync AND a.type = 1 AND a.state BETWEEN 2 AND 8)
           AND (r.removes_all OR NOT EXISTS (SELECT 1 FROM syncs s WHERE s.name = r.sync AND s.paused)),
         r.full_resync, r.removes_all, r.row_limit, r.only_key::text, r.sends_to, r.retries_rejected
  FROM runs r LEFT JOIN reads d ON d.run = r.id AND d.read = r.read
  WHERE r.id = ANY ($1::text[]::uuid[]) ORDER BY r.id)";

constexpr const char* kOperations = R"(
  SELECT o.run, o.operation, sum(o.announced + o.truncated)::bigint, sum(o.delivered)::bigint, sum(o.unchanged)::bigint,
         sum(o.skipped)::bigint, sum(o.rejected)::bigint, sum(o.in_doubt)::bigint, sum(o.withdrawn)::bigint
  FROM read_operations o WHERE o.run = ANY ($1::text[]::uuid[]) GROUP BY o.run, o.operation ORDER BY o.run, o.operation)";

constexpr const char* kTasks = R"(
  SELECT t.run, t.state, t.error::text, t.error_retry, t.not_before <= now()
  FROM tasks t JOIN runs r ON r.id = t.run AND r.read = t.read
  WHERE t.run = ANY ($1::text[]::uuid[]) ORDER BY t.run, t.id)";

// The fields of one row of kRunColumns, column by column.
absl::StatusOr<pb::RunFacts> ReadRun(const PgResult& rows, int row) {
  pb::RunFacts facts;
  v1::Run& run = *facts.mutable_run();
  int c = 0;
  run.set_id(rows.GetUuid(row, c++).ToString());
  run.set_sync(std::string(rows.Text(row, c++)));
  run.set_type(static_cast<v1::RunType>(rows.Int(row, c++)));
  const auto state = static_cast<RunState>(rows.Int(row, c++));
  facts.set_state(static_cast<pb::RunMachineState>(state));
  run.set_state(PublicState(state));
  run.set_phase(Phase(state));
  facts.set_revision(rows.Int(row, c++));
  run.set_trigger(std::string(rows.Text(row, c++)));
  SetTime(rows, row, c++, &v1::Run::mutable_create_time, run);
  SetTime(rows, row, c++, &v1::Run::mutable_start_time, run);
  SetTime(rows, row, c++, &v1::Run::mutable_end_time, run);
  SetTime(rows, row, c++, &v1::Run::mutable_schedule_time, run);
  facts.set_read(static_cast<uint32_t>(rows.Int(row, c++)));
  facts.set_fruitless_reads(static_cast<int32_t>(rows.Int(row, c++)));
  run.set_allow_removals(rows.Bool(row, c++));
  if (!rows.IsNull(row, c))
    PENSTOCK_RETURN_IF_ERROR(FromJson(rows.Text(row, c), *run.mutable_error()));
  ++c;
  v1::Run notices;
  PENSTOCK_RETURN_IF_ERROR(
      FromJson(absl::StrCat("{\"notices\":", Absl(rows.Text(row, c++)), "}"), notices));
  run.mutable_notices()->Swap(notices.mutable_notices());
  facts.set_park_reason(static_cast<pb::ParkReason>(rows.Int(row, c++)));
  if (state == RunState::kParked || state == RunState::kParking)
    SetTime(rows, row, c, &v1::Run::mutable_parked_until, run);
  ++c;
  facts.set_park_left_ms(rows.Int(row, c++));
  facts.set_parked_for_ms(rows.Int(row, c++));
  facts.set_destination(std::string(rows.Text(row, c++)));
  facts.set_account(std::string(rows.Text(row, c++)));
  v1::ReadCounts& counts = *run.mutable_rows();
  counts.set_read(static_cast<int32_t>(facts.read()));
  counts.set_whole(rows.Bool(row, c++));
  counts.set_rows_read(rows.Int(row, c++));
  counts.set_unchanged(rows.Int(row, c++));
  counts.set_deferred(rows.Int(row, c++));
  counts.set_invalid(rows.Int(row, c++));
  counts.set_skipped(rows.Int(row, c++));
  counts.set_copies(rows.Int(row, c++));
  counts.set_changed(rows.Int(row, c++));
  facts.set_read_age_ms(rows.Int(row, c++));
  facts.set_may_remove(rows.Bool(row, c++) && counts.whole());
  facts.set_give_up_after_ms(rows.Int(row, c++));
  facts.set_max_rejected(rows.IsNull(row, c) ? 1 : rows.Double(row, c));
  ++c;
  facts.set_max_rejected_min(rows.UInt(row, c++));
  facts.set_open_grants(static_cast<int32_t>(rows.Int(row, c++)));
  run.set_expected_rows(rows.Int(row, c++));
  facts.set_may_start(rows.Bool(row, c++) || run.type() == v1::RUN_TYPE_PLAN);
  run.set_full_resync(rows.Bool(row, c++));
  run.set_removes_all(rows.Bool(row, c++));
  run.set_limit(rows.Int(row, c++));
  PENSTOCK_ASSIGN_OR_RETURN(*run.mutable_key(), ReadKey(rows.Text(row, c++)));
  run.set_to(std::string(rows.Text(row, c++)));
  run.set_retry_rejected(rows.Bool(row, c++));
  return facts;
}

void AddOperation(const PgResult& rows, int row, pb::RunFacts& facts) {
  v1::OperationCounts& counts = *facts.mutable_run()->add_operations();
  counts.set_operation(std::string(Name(static_cast<Operation>(rows.Int(row, 1)))));
  counts.set_changed(rows.Int(row, 2));
  counts.set_delivered(rows.Int(row, 3));
  counts.set_unchanged_at_destination(rows.Int(row, 4));
  counts.set_skipped_at_destination(rows.Int(row, 5));
  counts.set_rejected(rows.Int(row, 6));
  counts.set_in_doubt(rows.Int(row, 7));
  counts.set_withdrawn(rows.Int(row, 8));
  const int64_t settled = counts.delivered() + counts.unchanged_at_destination() +
                          counts.skipped_at_destination() + counts.rejected() + counts.in_doubt();
  counts.set_pending(counts.changed() - settled - counts.withdrawn());
  // Counters of earlier reads are closed, so what is pending is of the current one.
  facts.set_pending(facts.pending() + counts.pending());
  facts.set_settled(facts.settled() + settled);
  facts.set_rejected(facts.rejected() + counts.rejected());
}

absl::Status AddTask(const PgResult& rows, int row, pb::RunFacts& facts) {
  switch (static_cast<int>(rows.Int(row, 1))) {
    case 1:
      facts.set_tasks_done(false);
      facts.set_task_waiting(facts.task_waiting() || rows.Bool(row, 4));
      break;
    case 2:
      facts.set_tasks_done(false);
      break;
    case 4:
      facts.set_task_lost(true);
      break;
    case 5:
      PENSTOCK_RETURN_IF_ERROR(
          FromJson(rows.Text(row, 2), *facts.mutable_failure()->mutable_error()));
      facts.mutable_failure()->set_retry(rows.Bool(row, 3));
      break;
    default:
      break;
  }
  return absl::OkStatus();
}

// Grows with every change of the run and of its counters, so that a watcher can order what it gets.
int64_t PublicRevision(const pb::RunFacts& facts) {
  constexpr int kProgressBits = 36;
  const int64_t progress = facts.run().rows().rows_read() + facts.settled();
  return facts.revision() << kProgressBits | std::min(progress, (int64_t{1} << kProgressBits) - 1);
}

}  // namespace

absl::Status NotifyRun(PgTransaction& tx, const Uuid& run) {
  return tx.Exec("SELECT pg_notify($1, $2)", {kRunsChannel, run.ToString()}).status();
}

absl::StatusOr<std::vector<pb::RunFacts>> LoadFacts(PgTransaction& tx,
                                                    const std::vector<Uuid>& runs) {
  std::vector<std::string> texts;
  for (const Uuid& run : runs) texts.push_back(run.ToString());
  const PgValue ids = PgValue::Texts(texts);
  PENSTOCK_ASSIGN_OR_RETURN(PgResult rows, tx.Exec(kRunColumns, {ids}));
  std::vector<pb::RunFacts> all;
  std::map<std::string, size_t> index;
  for (int row = 0; row < rows.rows(); ++row) {
    PENSTOCK_ASSIGN_OR_RETURN(pb::RunFacts facts, ReadRun(rows, row));
    facts.set_tasks_done(true);
    index[facts.run().id()] = all.size();
    all.push_back(std::move(facts));
  }
  PENSTOCK_ASSIGN_OR_RETURN(PgResult operations, tx.Exec(kOperations, {ids}));
  for (int row = 0; row < operations.rows(); ++row) {
    AddOperation(operations, row, all[index[operations.GetUuid(row, 0).ToString()]]);
  }
  PENSTOCK_ASSIGN_OR_RETURN(PgResult tasks, tx.Exec(kTasks, {ids}));
  for (int row = 0; row < tasks.rows(); ++row) {
    PENSTOCK_RETURN_IF_ERROR(AddTask(tasks, row, all[index[tasks.GetUuid(row, 0).ToString()]]));
  }
  for (pb::RunFacts& facts : all) facts.mutable_run()->set_revision(PublicRevision(facts));
  return all;
}

absl::StatusOr<pb::RunFacts> LoadFacts(PgTransaction& tx, const Uuid& run) {
  PENSTOCK_ASSIGN_OR_RETURN(std::vector<pb::RunFacts> all, LoadFacts(tx, std::vector<Uuid>{run}));
  if (all.empty())
    return Error(ErrorCode::kRESOURCE_NOT_FOUND, absl::StrCat("there is no run ", run.ToString()));
  return std::move(all[0]);
}

absl::StatusOr<std::vector<Uuid>> ActiveRuns(PgTransaction& tx) {
  PENSTOCK_ASSIGN_OR_RETURN(PgResult rows,
                            tx.Exec("SELECT id FROM runs WHERE state < 9 ORDER BY id"));
  std::vector<Uuid> runs;
  for (int row = 0; row < rows.rows(); ++row) runs.push_back(rows.GetUuid(row, 0));
  return runs;
}

absl::StatusOr<std::vector<Uuid>> RunsEndedAfter(PgTransaction& tx,
                                                 const pb::FollowedRuns& follow) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec(
          "SELECT id FROM runs WHERE state >= 9 AND ended_at > to_timestamp($1::float8) - "
          "interval '10 s' AND (cardinality($2::text[]) = 0 OR sync = ANY ($2::text[])) "
          "ORDER BY id",
          {google::protobuf::util::TimeUtil::TimestampToMicroseconds(follow.ended_after()) / 1e6,
           PgValue::Texts({follow.syncs().begin(), follow.syncs().end()})}));
  std::vector<Uuid> runs;
  for (int row = 0; row < rows.rows(); ++row) runs.push_back(rows.GetUuid(row, 0));
  return runs;
}

}  // namespace penstock::state
