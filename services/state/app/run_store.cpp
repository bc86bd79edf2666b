#include "services/state/app/run_store.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "penstock/v1/resource_service.pb.h"
#include "services/common/convert/run_error.h"
#include "services/common/core/clock.h"
#include "services/common/core/hash.h"
#include "services/common/core/random.h"
#include "services/common/core/status.h"
#include "services/common/pg/pg_connection.h"
#include "services/common/rpc/rpc_status.h"
#include "services/state/app/partial_run.h"
#include "services/state/app/proto_json.h"
#include "services/state/app/read_store.h"
#include "services/state/app/run_facts.h"
#include "services/state/app/sync_store.h"
#include "services/state/domain/run_machine.h"

namespace penstock::state {
namespace {

struct NewRun {
  std::string sync;
  penstock::v1::RunType type = penstock::v1::RUN_TYPE_SYNC;
  RunState state = RunState::kQueued;
  std::string trigger;
  std::optional<std::string> request_id;
  int64_t request_hash = 0;
  bool allow_removals = false;
  bool full_resync = false;
  bool removes_all = false;
  int64_t limit = 0;
  KeyColumns key;
  std::string to;
  bool retries_rejected = false;
  std::string overlay_json = "{}";
  std::optional<int64_t> scheduled_us;
  std::optional<std::string> error_json;
};

absl::StatusOr<Uuid> InsertRun(PgTransaction& tx, const SyncRow& sync, const NewRun& run) {
  const Uuid id = Uuid::V7(sync.now, Random::System());
  PENSTOCK_RETURN_IF_ERROR(
      tx.Exec("INSERT INTO runs (id, sync, type, state, trigger, request_id, request_hash, "
              "allow_removals, scheduled_at, "
              "error, snapshot, epoch, destination, account, full_resync, removes_all, row_limit, "
              "only_key, sends_to, retries_rejected, overlay, ended_at) "
              "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
              "to_timestamp($9::float8 / 1000000), $10::text::jsonb, $11, $12, $13, $14, $15, $16, "
              "$17, $18::text::jsonb, $19, $20, $21::text::jsonb, "
              "CASE WHEN $4 >= 9 THEN now() END)",
              {id,
               run.sync,
               static_cast<int>(run.type),
               static_cast<int>(run.state),
               run.trigger,
               OrNull(run.request_id, pg_oid::kText),
               run.request_hash,
               run.allow_removals,
               run.scheduled_us.has_value() ? PgValue(static_cast<double>(*run.scheduled_us))
                                            : PgValue::Null(pg_oid::kFloat8),
               OrNull(run.error_json, pg_oid::kText),
               sync.snapshot,
               sync.epoch,
               sync.destination,
               sync.account,
               run.full_resync,
               run.removes_all,
               run.limit,
               KeyJson(run.key),
               run.to,
               run.retries_rejected,
               run.overlay_json})
          .status());
  PENSTOCK_RETURN_IF_ERROR(NotifyRun(tx, id));
  return id;
}

absl::StatusOr<std::optional<Uuid>> FindRun(PgTransaction& tx, const std::string& sync,
                                            const std::string& condition) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec(absl::StrCat("SELECT id FROM runs WHERE sync = $1 AND type = 1 AND ", condition),
              {sync}));
  return rows.empty() ? std::nullopt : std::optional(rows.GetUuid(0, 0));
}

struct UnfinishedRun {
  Uuid id;
  RunState state = RunState::kQueued;
};

// The one that waits first, if one does.
absl::StatusOr<std::vector<UnfinishedRun>> UnfinishedRuns(PgTransaction& tx,
                                                          const std::string& sync) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("SELECT id, state FROM runs WHERE sync = $1 AND type = 1 AND state < 9 "
              "ORDER BY state",
              {sync}));
  std::vector<UnfinishedRun> runs;
  for (int row = 0; row < rows.rows(); ++row)
    runs.push_back({rows.GetUuid(row, 0), static_cast<RunState>(rows.Int(row, 1))});
  return runs;
}

absl::Status WhySkipped(const UnfinishedRun& other, const std::string& sync) {
  const auto because = [&](absl::string_view rest) {
    return Error(ErrorCode::kRUN_ACTIVE, absl::StrCat("run ", other.id.ToString(), " was ", rest));
  };
  switch (other.state) {
    case RunState::kQueued:
      return because("waiting at this due time; it reads the model anew, so nothing is missed");
    case RunState::kParking:
    case RunState::kParked:
      return because(absl::StrCat("parked at this due time; `penstock runs ", sync, "` says why"));
    default:
      return because(
          "active at this due time; a longer interval avoids it, or overlap: queue, which lets one "
          "run wait");
  }
}

// QUEUED -> READING. The run works on the snapshot that its Sync has now, or on one of its own.
absl::Status Start(PgTransaction& tx, const Uuid& run) {
  PENSTOCK_RETURN_IF_ERROR(
      tx.Exec("UPDATE snapshots p SET epoch = p.epoch + 1 FROM runs r JOIN syncs s ON s.name = "
              "r.sync WHERE r.id = $1 AND r.full_resync AND r.type = 1 AND p.id = s.snapshot",
              {run})
          .status());
  PENSTOCK_RETURN_IF_ERROR(
      tx.Exec("UPDATE runs r SET state = 2, revision = r.revision + 1, started_at = now(), "
              "changed_at = now(), "
              "snapshot = coalesce(p.id, r.snapshot), epoch = coalesce(p.epoch, r.epoch) "
              "FROM runs q LEFT JOIN syncs s ON s.name = q.sync AND q.sends_to = '' LEFT JOIN "
              "snapshots p ON p.id = s.snapshot WHERE r.id = $1 AND q.id = r.id",
              {run})
          .status());
  return BeginRead(tx, run, 0);
}

absl::Status CheckIdle(PgTransaction& tx, const std::string& sync) {
  PENSTOCK_ASSIGN_OR_RETURN(const std::vector<UnfinishedRun> unfinished, UnfinishedRuns(tx, sync));
  if (unfinished.empty()) return absl::OkStatus();
  const std::string run = unfinished.back().id.ToString();
  return WithMetadata(
      Error(ErrorCode::kRUN_ACTIVE,
            absl::StrCat("run ", run, " of Sync \"", sync,
                         "\" has not ended; wait for it, or trigger with overlap: queue")),
      "run_id", run);
}

absl::Status CheckMayStart(const std::string& name, const SyncRow& sync) {
  if (sync.deleting) {
    return Error(ErrorCode::kSYNC_PAUSED,
                 absl::StrCat("Sync \"", name,
                              "\" is being deleted; its last run removes what it "
                              "has sent (`penstock watch ",
                              name, "`)"));
  }
  if (!sync.paused) return absl::OkStatus();
  return Error(
      ErrorCode::kSYNC_PAUSED,
      absl::StrCat("Sync \"", name, "\" is paused; end that with `penstock resume ", name, "`"));
}

// By which a repeat of a request is told from another one with its id.
int64_t ContentHash(pb::CreateRunRequest request) {
  request.clear_request_id();
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);  // of maps
    request.SerializeToCodedStream(&out);
  }
  return static_cast<int64_t>(HashBytes64(bytes));
}

absl::StatusOr<std::optional<Uuid>> FindRepeated(PgTransaction& tx,
                                                 const pb::CreateRunRequest& request,
                                                 int64_t content) {
  if (request.request_id().empty()) return std::nullopt;
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("SELECT id, request_hash FROM runs WHERE sync = $1 AND request_id = $2 UNION ALL "
              "SELECT r.id, j.request_hash FROM joined_requests j JOIN runs r ON r.id = j.run "
              "WHERE r.sync = $1 AND j.request_id = $2",
              {request.sync(), request.request_id()}));
  if (rows.empty()) return std::nullopt;
  if (rows.Int(0, 1) == content) return rows.GetUuid(0, 0);
  return Error(ErrorCode::kREQUEST_ID_REUSED, absl::StrCat("request id \"", request.request_id(),
                                                           "\" was used for another request to \"",
                                                           request.sync(), "\"; use a new one"));
}

// The Sync's row, locked; of a plan for one that is not applied yet, one that stands for it. A run
// to another Destination gets a snapshot of its own.
absl::StatusOr<SyncRow> RowFor(PgTransaction& tx, const pb::CreateRunRequest& request) {
  absl::StatusOr<SyncRow> sync = LockSync(tx, request.sync());
  const bool not_applied =
      CodeOf(sync.status()) == ErrorCode::kRESOURCE_NOT_FOUND && !request.resources().empty();
  if (!sync.ok() && !not_applied) return sync.status();
  if (sync.ok() && request.to().empty()) return sync;
  PENSTOCK_ASSIGN_OR_RETURN(const int64_t scratch, MakeScratchSnapshot(tx));
  if (sync.ok()) {
    sync->snapshot = scratch;
    sync->epoch = 1;
    return sync;
  }
  PENSTOCK_ASSIGN_OR_RETURN(PgResult now, tx.Exec("SELECT clock_timestamp()"));
  return SyncRow{.snapshot = scratch,
                 .epoch = 1,
                 .now = WallTime(std::chrono::microseconds(now.Micros(0, 0)))};
}

NewRun NewRunOf(const pb::CreateRunRequest& request, int64_t content) {
  NewRun run{.sync = request.sync(),
             .type = request.type() == penstock::v1::RUN_TYPE_PLAN ? penstock::v1::RUN_TYPE_PLAN
                                                                   : penstock::v1::RUN_TYPE_SYNC,
             .trigger = "manual",
             .request_hash = content,
             .allow_removals = request.allow_removals(),
             .full_resync = request.full_resync(),
             .limit = request.limit(),
             .key = request.key(),
             .to = request.to(),
             .retries_rejected = request.retry_rejected()};
  if (!request.request_id().empty()) run.request_id = request.request_id();
  penstock::v1::ApplyResourcesRequest overlay;
  *overlay.mutable_resources() = request.resources();
  run.overlay_json = ToJson(overlay);
  return run;
}

// A run that waits does also what a later trigger asks for, and is what repeats of it get.
absl::Status Join(PgTransaction& tx, const Uuid& queued, const pb::CreateRunRequest& request,
                  int64_t content) {
  if (!request.request_id().empty()) {
    PENSTOCK_RETURN_IF_ERROR(
        tx.Exec("INSERT INTO joined_requests (run, request_id, request_hash) VALUES ($1, $2, $3)",
                {queued, request.request_id(), content})
            .status());
  }
  if (!request.allow_removals() && !request.full_resync() && !request.retry_rejected())
    return absl::OkStatus();
  return tx
      .Exec(
          "UPDATE runs SET allow_removals = allow_removals OR $2, full_resync = full_resync OR "
          "$3, retries_rejected = retries_rejected OR $4, revision = revision + 1 WHERE id = $1",
          {queued, request.allow_removals(), request.full_resync(), request.retry_rejected()})
      .status();
}

}  // namespace

absl::StatusOr<CreatedRun> CreateRun(PgTransaction& tx, const pb::CreateRunRequest& request) {
  PENSTOCK_ASSIGN_OR_RETURN(const SyncRow sync, RowFor(tx, request));
  const int64_t content = ContentHash(request);
  PENSTOCK_ASSIGN_OR_RETURN(const auto repeated, FindRepeated(tx, request, content));
  if (repeated.has_value()) return CreatedRun{*repeated, true};
  PENSTOCK_RETURN_IF_ERROR(CheckPartial(tx, request));
  bool must_wait = false;
  if (request.type() != penstock::v1::RUN_TYPE_PLAN) {
    if (request.only_if_idle() || IsPartial(request))
      PENSTOCK_RETURN_IF_ERROR(CheckIdle(tx, request.sync()));
    PENSTOCK_RETURN_IF_ERROR(CheckMayStart(request.sync(), sync));
    PENSTOCK_ASSIGN_OR_RETURN(const auto queued, FindRun(tx, request.sync(), "state = 1 LIMIT 1"));
    if (queued.has_value()) {
      PENSTOCK_RETURN_IF_ERROR(Join(tx, *queued, request, content));
      return CreatedRun{*queued, true};
    }
    PENSTOCK_ASSIGN_OR_RETURN(const auto active,
                              FindRun(tx, request.sync(), "state BETWEEN 2 AND 8 LIMIT 1"));
    must_wait = active.has_value();
  }
  PENSTOCK_ASSIGN_OR_RETURN(const Uuid id, InsertRun(tx, sync, NewRunOf(request, content)));
  if (!must_wait) PENSTOCK_RETURN_IF_ERROR(Start(tx, id));
  return CreatedRun{id, false};
}

absl::StatusOr<bool> HasUnfinishedRun(PgTransaction& tx, const std::string& sync) {
  PENSTOCK_ASSIGN_OR_RETURN(const std::vector<UnfinishedRun> unfinished, UnfinishedRuns(tx, sync));
  return !unfinished.empty();
}

absl::StatusOr<Uuid> CreateDueRun(PgTransaction& tx, const DueRun& due) {
  PENSTOCK_ASSIGN_OR_RETURN(const SyncRow sync, LockSync(tx, due.sync));
  PENSTOCK_ASSIGN_OR_RETURN(const std::vector<UnfinishedRun> unfinished,
                            UnfinishedRuns(tx, due.sync));
  const bool one_waits = !unfinished.empty() && unfinished.front().state == RunState::kQueued;
  NewRun run{.sync = due.sync, .trigger = due.trigger, .scheduled_us = due.scheduled_us};
  if (!due.fault.ok()) {
    run.state = RunState::kSkipped;
    run.error_json = ToJson(RunErrorOf(due.fault));
  } else if (one_waits || (!unfinished.empty() && !due.queues)) {
    run.state = RunState::kSkipped;
    run.error_json = ToJson(RunErrorOf(WhySkipped(unfinished.front(), due.sync)));
  }
  PENSTOCK_ASSIGN_OR_RETURN(const Uuid id, InsertRun(tx, sync, run));
  if (run.state == RunState::kQueued && unfinished.empty()) PENSTOCK_RETURN_IF_ERROR(Start(tx, id));
  return id;
}

absl::Status AddNotice(PgTransaction& tx, const Uuid& run, const penstock::v1::RunError& notice) {
  return tx
      .Exec("UPDATE runs SET notices = notices || $2::text::jsonb WHERE id = $1",
            {run, ToJson(notice)})
      .status();
}

absl::Status NotifyQueued(PgTransaction& tx, const std::string& sync) {
  PENSTOCK_ASSIGN_OR_RETURN(const auto queued, FindRun(tx, sync, "state = 1 LIMIT 1"));
  return queued.has_value() ? NotifyRun(tx, *queued) : absl::OkStatus();
}

absl::Status StopRuns(PgTransaction& tx, const std::string& sync) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("SELECT id FROM runs WHERE sync = $1 AND state < 9 AND state <> 6 ORDER BY id",
              {sync}));
  for (int row = 0; row < rows.rows(); ++row) {
    pb::TransitionRequest stop;
    stop.set_run_id(rows.GetUuid(row, 0).ToString());
    stop.set_event(pb::RUN_EVENT_STOP);
    const absl::Status stopped = Transition(tx, stop);
    // One that is storing what it learned ends by itself.
    if (CodeOf(stopped) != ErrorCode::kILLEGAL_TRANSITION) PENSTOCK_RETURN_IF_ERROR(stopped);
  }
  return absl::OkStatus();
}

absl::StatusOr<Uuid> CreateRemovalRun(PgTransaction& tx, const std::string& name) {
  PENSTOCK_ASSIGN_OR_RETURN(const SyncRow sync, LockSync(tx, name));
  PENSTOCK_RETURN_IF_ERROR(StopRuns(tx, name));
  PENSTOCK_ASSIGN_OR_RETURN(
      const Uuid id, InsertRun(tx, sync, {.sync = name, .trigger = "delete", .removes_all = true}));
  PENSTOCK_ASSIGN_OR_RETURN(const auto active, FindRun(tx, name, "state BETWEEN 2 AND 8 LIMIT 1"));
  if (!active.has_value()) PENSTOCK_RETURN_IF_ERROR(Start(tx, id));
  return id;
}

absl::StatusOr<Uuid> ResolveRun(PgTransaction& tx, const std::string& text) {
  if (auto id = Uuid::Parse(text); id.ok()) return *id;
  PENSTOCK_ASSIGN_OR_RETURN(
      const auto found,
      FindRun(tx, text, "true ORDER BY (state BETWEEN 2 AND 8) DESC, id DESC LIMIT 1"));
  if (found.has_value()) return *found;
  return Error(ErrorCode::kRESOURCE_NOT_FOUND,
               absl::StrCat("there is no run and no Sync with runs named \"", text, "\""));
}

namespace {

struct LockedRun {
  Uuid id;
  RunState state = RunState::kQueued;
  bool has_error = false;
  bool is_plan = false;
  std::string sync;
  bool allow_removals = false;
  bool removes_all = false;
  bool partial = false;
};

absl::StatusOr<LockedRun> LockRun(PgTransaction& tx, const Uuid& id, int64_t expected_revision) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("SELECT state, revision, error IS NOT NULL, "
              "type, sync, allow_removals, removes_all, partial FROM runs WHERE id = $1 "
              "FOR UPDATE",
              {id}));
  if (rows.empty())
    return Error(ErrorCode::kRESOURCE_NOT_FOUND, absl::StrCat("there is no run ", id.ToString()));
  if (expected_revision != 0 && rows.Int(0, 1) != expected_revision) {
    return Error(ErrorCode::kSTALE_REVISION, absl::StrCat("run ", id.ToString(), " has moved on"));
  }
  return LockedRun{id,
                   static_cast<RunState>(rows.Int(0, 0)),
                   rows.Bool(0, 2),
                   rows.Int(0, 3) == penstock::v1::RUN_TYPE_PLAN,
                   std::string(rows.Text(0, 4)),
                   rows.Bool(0, 5),
                   rows.Bool(0, 6),
                   rows.Bool(0, 7)};
}

absl::Status CheckNeeds(PgTransaction& tx, const Uuid& run, Needs needs) {
  if (needs == Needs::kNothing) return absl::OkStatus();
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("SELECT EXISTS (SELECT 1 FROM batches WHERE run = $1 AND open), coalesce((SELECT "
              "sum(announced + truncated - delivered "
              "- o.unchanged - o.skipped - rejected - in_doubt - withdrawn) FROM read_operations o "
              "JOIN runs r ON r.id = o.run AND r.read = o.read WHERE o.run = $1), 0)::bigint",
              {run}));
  if (rows.Bool(0, 0)) return Error(ErrorCode::kSTALE_REVISION, "a grant of the run is still open");
  if (needs == Needs::kNoOpenGrantNorPending && rows.Int(0, 1) != 0) {
    return Error(ErrorCode::kSTALE_REVISION,
                 absl::StrCat(rows.Int(0, 1), " records of the run are still pending"));
  }
  return absl::OkStatus();
}

absl::Status MakeRemovalTask(PgTransaction& tx, const Uuid& run) {
  return tx
      .Exec(
          "INSERT INTO tasks (run, read, kind, state) SELECT id, read, $2, 1 FROM runs WHERE id = "
          "$1",
          {run, static_cast<int>(pb::TASK_KIND_REMOVE)})
      .status();
}

// Guards and truncation leave a notice; so does what a whole read could not confirm. That many rows
// have changed is only worth a look.
absl::StatusOr<bool> IsIncomplete(PgTransaction& tx, const Uuid& run, const ClosedRead& closed) {
  if (!closed.whole || closed.rejected > 0 || closed.in_doubt > 0 || closed.withdrawn > 0)
    return true;
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec(
          "SELECT EXISTS (SELECT 1 FROM runs, jsonb_array_elements(notices) n WHERE id = $1 AND "
          "n->>'code' <> $2)",
          {run, Name(ErrorCode::kMANY_ROWS_CHANGED)}));
  return rows.Bool(0, 0);
}

// What found no room in the spool waits for a run of its own. A run that settled nothing leaves
// that to the next trigger: one after the other would get no further.
absl::Status QueueRest(PgTransaction& tx, const LockedRun& run, const ClosedRead& closed) {
  if (closed.truncated == 0 || closed.settled == 0 || run.partial) return absl::OkStatus();
  const absl::StatusOr<SyncRow> sync = LockSync(tx, run.sync);
  if (CodeOf(sync.status()) == ErrorCode::kRESOURCE_NOT_FOUND) return absl::OkStatus();
  PENSTOCK_RETURN_IF_ERROR(sync.status());
  PENSTOCK_ASSIGN_OR_RETURN(const auto queued, FindRun(tx, run.sync, "state = 1 LIMIT 1"));
  if (queued.has_value()) return absl::OkStatus();
  const NewRun rest{.sync = run.sync, .trigger = "successor", .allow_removals = run.allow_removals};
  return InsertRun(tx, *sync, rest).status();
}

absl::Status NoticeTruncation(PgTransaction& tx, const Uuid& run, const ClosedRead& closed) {
  if (closed.truncated == 0) return absl::OkStatus();
  return AddNotice(
      tx, run,
      RunErrorOf(
          Error(ErrorCode::kSPOOL_FULL,
                absl::StrCat(closed.truncated,
                             " changed records found no room on the extractor's disk; the next run "
                             "sends them; a larger --spool sends all in one run"))));
}

// What a Sync learns of a run that sent all that had changed.
absl::Status AfterFinish(PgTransaction& tx, const LockedRun& run, RunState state) {
  if (run.is_plan || run.partial) return absl::OkStatus();
  PENSTOCK_RETURN_IF_ERROR(
      tx.Exec(
            "UPDATE snapshots SET adopts = false FROM runs r JOIN reads d ON d.run = r.id AND "
            "d.read = r.read WHERE snapshots.id = r.snapshot AND r.id = $1 AND d.whole AND adopts",
            {run.id})
          .status());
  return tx
      .Exec(
          "UPDATE syncs s SET expected_rows = d.rows_read, "
          "last_success_at = CASE WHEN $2 THEN now() ELSE last_success_at END, "
          "succeeded_no = CASE WHEN $2 THEN nextval('run_end_no') ELSE succeeded_no END, "
          "delivered_no = nextval('run_end_no'), "
          "fresh_at = CASE WHEN $2 THEN d.begun_at ELSE fresh_at END FROM runs r JOIN reads d ON "
          "d.run = r.id AND d.read = r.read WHERE r.id = $1 AND "
          "s.name = r.sync",
          {run.id, state == RunState::kSucceeded})
      .status();
}

// A Sync goes with the run that has removed all that it sent; else it stays, paused.
absl::Status AfterRemovalRun(PgTransaction& tx, const LockedRun& run, RunState state) {
  if (state == RunState::kSucceeded) return RetireSync(tx, run.sync, Delivered::kForgotten);
  return tx.Exec("UPDATE syncs SET deleting = false WHERE name = $1", {run.sync}).status();
}

}  // namespace

absl::Status Transition(PgTransaction& tx, const pb::TransitionRequest& request) {
  PENSTOCK_ASSIGN_OR_RETURN(const Uuid id, ResolveRun(tx, request.run_id()));
  PENSTOCK_ASSIGN_OR_RETURN(const LockedRun run, LockRun(tx, id, request.revision()));
  const auto event = static_cast<RunEvent>(request.event());
  RunVerdict verdict{.has_error = run.has_error};
  PENSTOCK_ASSIGN_OR_RETURN(RunTransition transition, FindTransition(run.state, event, verdict));
  PENSTOCK_RETURN_IF_ERROR(CheckNeeds(tx, id, transition.needs));
  if (event == RunEvent::kStart) {
    PENSTOCK_RETURN_IF_ERROR(LockSync(tx, run.sync).status());
    PENSTOCK_ASSIGN_OR_RETURN(const auto active,
                              FindRun(tx, run.sync, "state BETWEEN 2 AND 8 LIMIT 1"));
    if (active.has_value() && !run.is_plan)
      return Error(ErrorCode::kSTALE_REVISION, "another run of the Sync is active");
    PENSTOCK_RETURN_IF_ERROR(Start(tx, id));
    return NotifyRun(tx, id);
  }

  ClosedRead closed;
  const bool closes = event == RunEvent::kNewRead || event == RunEvent::kFinish ||
                      event == RunEvent::kStopped || event == RunEvent::kParked;
  if (closes) {
    PENSTOCK_ASSIGN_OR_RETURN(closed, CloseRead(tx, id));
    if (event == RunEvent::kFinish) PENSTOCK_RETURN_IF_ERROR(NoticeTruncation(tx, id, closed));
    PENSTOCK_ASSIGN_OR_RETURN(verdict.incomplete, IsIncomplete(tx, id, closed));
    PENSTOCK_ASSIGN_OR_RETURN(transition, FindTransition(run.state, event, verdict));
    PENSTOCK_RETURN_IF_ERROR(tx.Exec("UPDATE runs SET fruitless_reads = CASE WHEN $2 THEN 0 ELSE "
                                     "fruitless_reads + 1 END WHERE id = $1",
                                     {id, closed.settled > 0})
                                 .status());
  }
  const std::optional<std::string> error =
      request.has_error() ? std::optional(ToJson(request.error())) : std::nullopt;
  PENSTOCK_RETURN_IF_ERROR(
      tx.Exec("UPDATE runs SET state = $2, revision = revision + 1, changed_at = now(), "
              "error = CASE WHEN $5 IN (7, 11) THEN $3::text::jsonb ELSE coalesce($3::text::jsonb, "
              "error) END, "
              "park_reason = CASE WHEN $5 = 9 THEN $4 ELSE park_reason END, "
              "park_until = CASE WHEN $5 = 9 THEN now() + $6 * interval '1 millisecond' ELSE "
              "park_until END, "
              "parked_at = CASE WHEN $5 = 10 THEN now() WHEN $5 = 11 THEN NULL ELSE parked_at END, "
              "ended_at = CASE WHEN $2 >= 9 THEN now() END WHERE id = $1",
              {id, static_cast<int>(transition.to), OrNull(error, pg_oid::kText),
               static_cast<int>(request.park_reason()), static_cast<int>(event), request.wait_ms()})
          .status());
  if (event == RunEvent::kNewRead || event == RunEvent::kResume) {
    PENSTOCK_RETURN_IF_ERROR(
        BeginRead(tx, id, event == RunEvent::kNewRead ? request.wait_ms() : 0));
  }
  if (event == RunEvent::kRemove) PENSTOCK_RETURN_IF_ERROR(MakeRemovalTask(tx, id));
  if (event == RunEvent::kFinish) {
    PENSTOCK_RETURN_IF_ERROR(AfterFinish(tx, run, transition.to));
    PENSTOCK_RETURN_IF_ERROR(QueueRest(tx, run, closed));
  }
  if (IsTerminal(transition.to)) {
    if (run.removes_all) PENSTOCK_RETURN_IF_ERROR(AfterRemovalRun(tx, run, transition.to));
    PENSTOCK_RETURN_IF_ERROR(NotifyQueued(tx, run.sync));
  }
  return NotifyRun(tx, id);
}

absl::StatusOr<int> ParkAccount(PgTransaction& tx, const pb::ParkAccountRequest& request) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("SELECT id FROM runs WHERE state BETWEEN 2 AND 4 AND type = 1 AND account = $1 "
              "AND ($2 = '' OR destination = $2) ORDER BY id",
              {request.account(), request.destination()}));
  int parked = 0;
  for (int row = 0; row < rows.rows(); ++row) {
    pb::TransitionRequest transition;
    transition.set_run_id(rows.GetUuid(row, 0).ToString());
    transition.set_event(pb::RUN_EVENT_PARK);
    transition.set_park_reason(request.reason());
    transition.set_wait_ms(request.wait_ms());
    *transition.mutable_error() = request.error();
    const absl::Status status = Transition(tx, transition);
    // A run that moved on between the look and the lock has nothing to park.
    if (CodeOf(status) == ErrorCode::kILLEGAL_TRANSITION) continue;
    PENSTOCK_RETURN_IF_ERROR(status);
    ++parked;
  }
  return parked;
}

}  // namespace penstock::state
