#include "services/state/app/task_store.h"

#include "absl/strings/str_cat.h"
#include "penstock/internal/v1/planning.pb.h"
#include "services/common/core/status.h"
#include "services/common/model/batch.h"
#include "services/common/model/outcome.h"
#include "services/common/pg/pg_connection.h"
#include "services/state/app/explanation_store.h"
#include "services/state/app/partial_run.h"
#include "services/state/app/proto_json.h"
#include "services/state/app/read_resources.h"
#include "services/state/app/rejected_store.h"
#include "services/state/app/run_facts.h"
#include "services/state/app/run_store.h"
#include "services/state/app/snapshot_store.h"
#include "services/state/domain/run_machine.h"
#include "services/state/domain/task_state.h"

namespace penstock::state {
namespace {

constexpr uint32_t kPlanSamples = 10;
constexpr uint64_t kMaxPlanSamples = 1000;

absl::Status AddSnapshot(PgTransaction& tx, int64_t snapshot_id, int64_t manifest_id,
                         pb::Task& task) {
  PENSTOCK_ASSIGN_OR_RETURN(const SnapshotRow snapshot,
                            LoadSnapshot(tx, snapshot_id, /*for_update=*/false));
  PENSTOCK_ASSIGN_OR_RETURN(const Manifest manifest, LoadManifest(tx, manifest_id));
  PENSTOCK_ASSIGN_OR_RETURN(std::vector<pb::Level> levels, DescribeLevels(tx, manifest.levels));
  PENSTOCK_ASSIGN_OR_RETURN(std::vector<pb::Level> deferrals,
                            DescribeLevels(tx, manifest.deferrals));
  pb::Snapshot& out = *task.mutable_snapshot();
  out.set_id(static_cast<uint64_t>(snapshot.id));
  out.set_epoch(snapshot.epoch);
  out.set_seed(snapshot.seed);
  out.set_keeps_identity(snapshot.keeps_identity);
  out.set_identity_fingerprint(snapshot.identity_fingerprint);
  out.mutable_levels()->Assign(levels.begin(), levels.end());
  out.mutable_deferrals()->Assign(deferrals.begin(), deferrals.end());
  task.set_adopts(snapshot.adopts);
  return absl::OkStatus();
}

// The recipe of most entries; nullopt when there are none.
std::optional<uint64_t> MainRecipe(const pb::Snapshot& snapshot) {
  std::map<uint64_t, uint64_t> entries;
  for (const pb::Level& level : snapshot.levels()) {
    for (const pb::Segment& segment : level.segments())
      entries[segment.recipe()] += segment.entries();
  }
  const auto most = std::max_element(entries.begin(), entries.end(),
                                     [](auto& a, auto& b) { return a.second < b.second; });
  return most == entries.end() ? std::nullopt : std::optional(most->first);
}

// What most delivered rows were delivered by, so that an extractor can tell the unchanged ones
// after the mapping has changed. Where it can't be found (its runs are long gone), all are sent
// again.
absl::Status AddBaseMapping(PgTransaction& tx, int64_t snapshot, pb::Task& task) {
  const std::optional<uint64_t> recipe = MainRecipe(task.snapshot());
  if (!recipe.has_value()) return absl::OkStatus();
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult found,
      tx.Exec("SELECT r.id, d.read FROM reads d JOIN runs r ON r.id = d.run WHERE r.snapshot = $1 "
              "AND r.type = 1 AND d.recipe = $2 ORDER BY r.id DESC, d.read DESC LIMIT 1",
              {snapshot, *recipe}));
  if (found.empty()) return absl::OkStatus();
  absl::StatusOr<ReadResources> then = LoadReadResources(tx, found.GetUuid(0, 0), found.Int(0, 1));
  if (!then.ok()) return absl::OkStatus();
  *task.mutable_base()->mutable_sync() = std::move(then->sync);
  *task.mutable_base()->mutable_model() = std::move(then->model);
  *task.mutable_base()->mutable_connector() = std::move(then->connector);
  return absl::OkStatus();
}

// What a run leaves out. A plan shows so many samples instead of sending so many rows.
absl::Status AddBounds(const PgResult& read, pb::Task& task) {
  const auto limit = static_cast<uint64_t>(read.Int(0, 0));
  if (task.kind() == pb::TASK_KIND_PLAN) {
    if (limit > 0) task.set_max_samples(static_cast<uint32_t>(std::min(limit, kMaxPlanSamples)));
  } else {
    task.set_limit(limit);
  }
  PENSTOCK_ASSIGN_OR_RETURN(*task.mutable_key(), ReadKey(read.Text(0, 1)));
  task.set_retries_rejected(read.Bool(0, 2));
  // What a person asks for by hand is sent.
  if (read.Bool(0, 3)) task.set_adopts(false);
  return absl::OkStatus();
}

struct TaskRow {
  Uuid run;
  int64_t read = 0;
  TaskState state = TaskState::kReady;
  RunState run_state = RunState::kQueued;
  int64_t snapshot = 0;
};

// The task, if it is still held under this fence; its run is locked against transitions. Who moves
// the run itself wants it alone from the start: two who hold a share and want all wait for ever.
enum class RunLock : uint8_t { kShare, kAlone };
absl::StatusOr<TaskRow> HeldTask(PgTransaction& tx, uint64_t id, uint64_t fence,
                                 RunLock lock = RunLock::kShare) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec(absl::StrCat("SELECT t.run, t.read, t.state, r.state, r.snapshot, r.read "
                           "FROM tasks t JOIN runs r ON r.id = t.run "
                           "WHERE t.id = $1 AND t.fence = $2 FOR ",
                           lock == RunLock::kShare ? "SHARE" : "UPDATE", " OF r"),
              {id, fence}));
  if (rows.empty() || static_cast<TaskState>(rows.Int(0, 2)) != TaskState::kLeased ||
      rows.Int(0, 1) != rows.Int(0, 5)) {
    return Error(ErrorCode::kLEASE_LOST,
                 absl::StrCat("task ", id, " is no longer held under fence ", fence));
  }
  return TaskRow{rows.GetUuid(0, 0), rows.Int(0, 1), static_cast<TaskState>(rows.Int(0, 2)),
                 static_cast<RunState>(rows.Int(0, 3)), rows.Int(0, 4)};
}

// A heartbeat may be overtaken by the end of its read, whose counts are the last.
absl::Status StoreCounts(PgTransaction& tx, const TaskRow& task,
                         const penstock::v1::ReadCounts& rows) {
  return tx
      .Exec(
          "UPDATE reads SET rows_read = $3, unchanged = $4, deferred = $5, invalid = $6, skipped = "
          "$7, copies = $8, "
          "changed = $9, moved_at = CASE WHEN rows_read <> $3 THEN now() ELSE moved_at END "
          "WHERE run = $1 AND read = $2 AND NOT ended",
          {task.run, task.read, rows.rows_read(), rows.unchanged(), rows.deferred(), rows.invalid(),
           rows.skipped(), rows.copies(), rows.changed()})
      .status();
}

// The identity must be that of the snapshot: keys of another one would all look new, and the old
// ones removed.
absl::Status CheckIdentity(PgTransaction& tx, const TaskRow& task, uint64_t fingerprint) {
  PENSTOCK_ASSIGN_OR_RETURN(const SnapshotRow snapshot,
                            LoadSnapshot(tx, task.snapshot, /*for_update=*/false));
  if (fingerprint == 0 || snapshot.identity_fingerprint == 0 ||
      fingerprint == snapshot.identity_fingerprint) {
    return absl::OkStatus();
  }
  return Error(ErrorCode::kIDENTITY_CHANGED,
               "the identity is no longer what delivered rows were keyed by (its columns, their "
               "types or transforms "
               "changed); turn it back, or start anew with `penstock reset`");
}

absl::Status StoreAnnouncement(PgTransaction& tx, const TaskRow& task, uint64_t task_id,
                               const pb::Announcement& announced) {
  PENSTOCK_RETURN_IF_ERROR(CheckIdentity(tx, task, announced.identity_fingerprint()));
  PENSTOCK_RETURN_IF_ERROR(
      tx.Exec("UPDATE tasks SET last_number = greatest(last_number, $2) WHERE id = $1",
              {task_id, announced.last_number()})
          .status());
  if (announced.recipe() != 0) {
    PENSTOCK_RETURN_IF_ERROR(
        tx.Exec("UPDATE reads SET recipe = $3, identity_fingerprint = $4 WHERE run = $1 AND read = "
                "$2",
                {task.run, task.read, announced.recipe(), announced.identity_fingerprint()})
            .status());
  }
  for (const pb::OperationCount& count : announced.records()) {
    PENSTOCK_RETURN_IF_ERROR(
        tx.Exec("INSERT INTO read_operations (run, read, operation, announced) VALUES ($1, $2, $3, "
                "$4) "
                "ON CONFLICT (run, read, operation) DO UPDATE SET announced = "
                "greatest(read_operations.announced, excluded.announced)",
                {task.run, task.read, count.operation(), count.records()})
            .status());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::optional<pb::Task>> LeaseTask(PgTransaction& tx, uint64_t worker,
                                                  uint32_t lease_ms) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult picked,
      tx.Exec("UPDATE tasks SET state = 2, fence = nextval('task_fence'), owner = $1, beats = "
              "beats + 1 WHERE id = ("
              "SELECT t.id FROM tasks t JOIN runs r ON r.id = t.run AND r.read = t.read "
              "WHERE t.state = 1 AND t.not_before <= now() AND r.state BETWEEN 2 AND 4 "
              "ORDER BY (SELECT count(*) FROM tasks l JOIN runs lr ON lr.id = l.run "
              "          WHERE l.state = 2 AND lr.destination = r.destination), t.id LIMIT 1 FOR "
              "UPDATE OF t SKIP LOCKED) "
              "RETURNING id, fence, kind, run, read",
              {worker}));
  if (picked.empty()) return std::nullopt;
  pb::Task task;
  task.set_task_id(picked.UInt(0, 0));
  task.set_fence(picked.UInt(0, 1));
  task.set_kind(static_cast<pb::TaskKind>(picked.Int(0, 2)));
  const Uuid run = picked.GetUuid(0, 3);
  const int64_t read_number = picked.Int(0, 4);
  task.set_run_id(std::string(run.raw()));
  task.set_read(static_cast<uint32_t>(read_number));
  task.set_lease_ms(lease_ms);
  task.set_max_samples(kPlanSamples);
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult read,
      tx.Exec("SELECT r.row_limit, r.only_key::text, r.retries_rejected, r.partial, r.snapshot, "
              "d.manifest, d.begun_at, r.allow_removals, r.removes_all, d.rows_read, d.unchanged, "
              "d.deferred, d.invalid, d.skipped, d.copies, d.changed "
              "FROM reads d JOIN runs r ON r.id = d.run WHERE d.run = $1 AND d.read = $2",
              {run, read_number}));
  PENSTOCK_ASSIGN_OR_RETURN(ReadResources resources, LoadReadResources(tx, run, read_number));
  *task.mutable_sync() = std::move(resources.sync);
  *task.mutable_model() = std::move(resources.model);
  *task.mutable_source() = std::move(resources.source);
  *task.mutable_destination() = std::move(resources.destination);
  *task.mutable_connector() = std::move(resources.connector);
  const int64_t snapshot = read.Int(0, 4);
  PENSTOCK_RETURN_IF_ERROR(AddSnapshot(tx, snapshot, read.Int(0, 5), task));
  PENSTOCK_RETURN_IF_ERROR(AddBounds(read, task));
  if (task.sync().on_mapping_change() == penstock::v1::ON_MAPPING_CHANGE_CHANGED_ROWS_ONLY)
    PENSTOCK_RETURN_IF_ERROR(AddBaseMapping(tx, snapshot, task));
  task.set_now_us(read.Micros(0, 6));
  task.set_allow_removals(read.Bool(0, 7));
  task.set_removes_all(read.Bool(0, 8));
  penstock::v1::ReadCounts& rows = *task.mutable_rows();
  rows.set_rows_read(read.Int(0, 9));
  rows.set_unchanged(read.Int(0, 10));
  rows.set_deferred(read.Int(0, 11));
  rows.set_invalid(read.Int(0, 12));
  rows.set_skipped(read.Int(0, 13));
  rows.set_copies(read.Int(0, 14));
  rows.set_changed(read.Int(0, 15));
  rows.set_read(static_cast<int32_t>(read_number));
  PENSTOCK_RETURN_IF_ERROR(NotifyRun(tx, run));
  return task;
}

absl::StatusOr<bool> Heartbeat(PgTransaction& tx, const pb::HeartbeatRequest& request) {
  PENSTOCK_ASSIGN_OR_RETURN(const TaskRow task, HeldTask(tx, request.task_id(), request.fence()));
  if (!MayDeliver(task.run_state)) return true;
  PENSTOCK_RETURN_IF_ERROR(
      tx.Exec("UPDATE tasks SET beats = beats + 1 WHERE id = $1", {request.task_id()}).status());
  if (request.has_rows()) PENSTOCK_RETURN_IF_ERROR(StoreCounts(tx, task, request.rows()));
  PENSTOCK_RETURN_IF_ERROR(StoreAnnouncement(tx, task, request.task_id(), request.announced()));
  return false;
}

absl::Status StoreSeen(PgTransaction& tx, const pb::ReadSummary& summary, int number,
                       const std::string& data) {
  PENSTOCK_ASSIGN_OR_RETURN(const TaskRow task, HeldTask(tx, summary.task_id(), summary.fence()));
  return tx
      .Exec(
          "INSERT INTO bitmaps (run, read, number, data) VALUES ($1, $2, $3, $4) "
          "ON CONFLICT (run, read, number) DO UPDATE SET data = excluded.data",
          {task.run, task.read, number, PgValue::Bytes(data)})
      .status();
}

absl::StatusOr<std::string> LoadSeen(PgTransaction& tx, const std::string& run_id, uint32_t read,
                                     int number) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("SELECT data FROM bitmaps WHERE run = $1 AND read = $2 AND number = $3",
              {Uuid::FromRaw(run_id), read, number}));
  return rows.empty() ? std::string() : std::string(rows.Text(0, 0));
}

absl::Status StoreInvalid(PgTransaction& tx, const pb::ReadSummary& summary,
                          const RecordProblems& problems) {
  PENSTOCK_ASSIGN_OR_RETURN(const TaskRow task, HeldTask(tx, summary.task_id(), summary.fence()));
  return StoreProblems(tx, task.run, kInvalidRow, problems);
}

absl::Status StoreSample(PgTransaction& tx, const pb::ReadSummary& summary,
                         const pb::PlanSample& sample) {
  PENSTOCK_ASSIGN_OR_RETURN(const TaskRow task, HeldTask(tx, summary.task_id(), summary.fence()));
  return tx
      .Exec(
          "INSERT INTO plan_samples (run, operation, records, batch) VALUES ($1, $2, $3, $4) "
          "ON CONFLICT (run, operation) DO UPDATE SET records = excluded.records, batch = "
          "excluded.batch",
          {task.run, sample.operation(), sample.records(), PgValue::Bytes(sample.batch())})
      .status();
}

absl::Status EndRead(PgTransaction& tx, const pb::ReadSummary& summary) {
  PENSTOCK_ASSIGN_OR_RETURN(const TaskRow task,
                            HeldTask(tx, summary.task_id(), summary.fence(), RunLock::kAlone));
  PENSTOCK_RETURN_IF_ERROR(StoreCounts(tx, task, summary.rows()));
  PENSTOCK_RETURN_IF_ERROR(StoreAnnouncement(tx, task, summary.task_id(), summary.announced()));
  for (const pb::OperationCount& count : summary.truncated()) {
    PENSTOCK_RETURN_IF_ERROR(tx.Exec("INSERT INTO read_operations (run, read, operation, "
                                     "truncated, withdrawn) VALUES ($1, $2, $3, $4, $4) "
                                     "ON CONFLICT (run, read, operation) DO UPDATE SET truncated = "
                                     "excluded.truncated, withdrawn = excluded.truncated",
                                     {task.run, task.read, count.operation(), count.records()})
                                 .status());
  }
  PENSTOCK_RETURN_IF_ERROR(
      tx.Exec("UPDATE reads SET ended = true, whole = $3 WHERE run = $1 AND read = $2",
              {task.run, task.read, summary.rows().whole()})
          .status());
  for (const penstock::v1::RunError& notice : summary.notices()) {
    PENSTOCK_RETURN_IF_ERROR(AddNotice(tx, task.run, notice));
  }
  if (summary.has_explanation())
    PENSTOCK_RETURN_IF_ERROR(StoreExplanation(tx, task.run, summary.explanation()));
  if (task.run_state != RunState::kReading) return absl::OkStatus();
  pb::TransitionRequest transition;
  transition.set_run_id(task.run.ToString());
  transition.set_event(pb::RUN_EVENT_READ_ENDED);
  return Transition(tx, transition);
}

absl::Status CompleteTask(PgTransaction& tx, const pb::CompleteTaskRequest& request) {
  PENSTOCK_ASSIGN_OR_RETURN(const TaskRow task, HeldTask(tx, request.task_id(), request.fence()));
  if (request.has_announced()) {
    PENSTOCK_RETURN_IF_ERROR(StoreAnnouncement(tx, task, request.task_id(), request.announced()));
  }
  PENSTOCK_RETURN_IF_ERROR(
      tx.Exec("UPDATE reads SET removals_withheld = removals_withheld + $3, removals_deferred = "
              "removals_deferred + $4, "
              "removals_protected = removals_protected + $5 WHERE run = $1 AND read = $2",
              {task.run, task.read, request.removals_withheld(), request.removals_deferred(),
               request.removals_protected()})
          .status());
  if (request.has_guard()) PENSTOCK_RETURN_IF_ERROR(AddNotice(tx, task.run, request.guard()));
  PENSTOCK_RETURN_IF_ERROR(tx.Exec("UPDATE tasks SET state = $2 WHERE id = $1",
                                   {request.task_id(), static_cast<int>(TaskState::kDone)})
                               .status());
  return NotifyRun(tx, task.run);
}

absl::Status AdoptRecords(PgTransaction& tx, const pb::AdoptRecordsRequest& request) {
  PENSTOCK_ASSIGN_OR_RETURN(const TaskRow task, HeldTask(tx, request.task_id(), request.fence()));
  PENSTOCK_RETURN_IF_ERROR(
      ReadIntents(request.intents(), request.records(), request.keeps_identity()).status());
  const std::string unchanged(request.records(), PackOutcome(Outcome::kUnchanged));
  const std::string answered((request.records() + 7) / 8, '\0');
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult stored,
      tx.Exec("INSERT INTO batches (run, read, task, number, operation, records, keeps_identity, "
              "intents, outcomes, unanswered, settled, owner, open, length_ms) VALUES ($1, $2, $3, "
              "$4, $5, $6, $7, $8, $9, $10, true, 0, false, 0) ON CONFLICT DO NOTHING RETURNING 1",
              {task.run, task.read, request.task_id(), request.number(), request.operation(),
               request.records(), request.keeps_identity(), PgValue::Bytes(request.intents()),
               PgValue::Bytes(unchanged), PgValue::Bytes(answered)}));
  if (stored.empty()) return absl::OkStatus();
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult counted,
      tx.Exec("UPDATE read_operations SET unchanged = unchanged + $4 WHERE run = $1 AND read = $2 "
              "AND operation = $3 RETURNING 1",
              {task.run, task.read, request.operation(), request.records()}));
  if (!counted.empty()) return absl::OkStatus();
  return Error(ErrorCode::kINVALID_REQUEST, "records that were not announced can't be adopted");
}

absl::Status FailTask(PgTransaction& tx, const pb::FailTaskRequest& request) {
  PENSTOCK_ASSIGN_OR_RETURN(const TaskRow task, HeldTask(tx, request.task_id(), request.fence()));
  PENSTOCK_RETURN_IF_ERROR(
      tx.Exec(
            "UPDATE tasks SET state = $2, error = $3::text::jsonb, error_retry = $4 WHERE id = $1",
            {request.task_id(), static_cast<int>(TaskState::kFailed), ToJson(request.error()),
             request.retry()})
          .status());
  return NotifyRun(tx, task.run);
}

}  // namespace penstock::state
