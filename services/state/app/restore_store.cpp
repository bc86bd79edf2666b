#include "services/state/app/restore_store.h"

#include <vector>

#include "services/common/convert/run_error.h"
#include "services/common/core/random.h"
#include "services/common/core/status.h"
#include "services/common/pg/pg_connection.h"
#include "services/state/app/audit.h"
#include "services/state/app/run_facts.h"
#include "services/state/app/run_store.h"
#include "services/state/app/snapshot_store.h"
#include "services/state/domain/run_machine.h"

namespace penstock::state {
namespace {

constexpr size_t kSegmentBytes = 16 << 20;

absl::Status Move(PgTransaction& tx, const Uuid& run, RunEvent event) {
  pb::TransitionRequest request;
  request.set_run_id(run.ToString());
  request.set_event(static_cast<pb::RunEvent>(event));
  if (event == RunEvent::kStop) {
    *request.mutable_error() = RunErrorOf(
        Error(ErrorCode::kRESTORED,
              "the database was restored from a backup while this run was in progress; the next "
              "run sends every row once more"));
  }
  return Transition(tx, request);
}

// What a loader still holds of a run is refused from now on, whatever its grant said.
absl::Status EndRun(PgTransaction& tx, const Uuid& run, RunState state) {
  if (state == RunState::kFinalizing) return Move(tx, run, RunEvent::kFinish);
  if (state != RunState::kCancelling) PENSTOCK_RETURN_IF_ERROR(Move(tx, run, RunEvent::kStop));
  return state == RunState::kQueued ? absl::OkStatus() : Move(tx, run, RunEvent::kStopped);
}

absl::StatusOr<std::vector<Uuid>> EndRuns(PgTransaction& tx) {
  PENSTOCK_RETURN_IF_ERROR(tx.Exec("UPDATE batches SET open = false WHERE open").status());
  // Those that wait first, so that none starts in the place of one that has ended.
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows, tx.Exec("SELECT id, state FROM runs WHERE state < 9 ORDER BY state, id"));
  std::vector<Uuid> runs;
  for (int row = 0; row < rows.rows(); ++row) {
    runs.push_back(rows.GetUuid(row, 0));
    PENSTOCK_RETURN_IF_ERROR(EndRun(tx, runs.back(), static_cast<RunState>(rows.Int(row, 1))));
  }
  return runs;
}

// Level by level, so that each keeps its recipe: a Sync that sends at most once still sees which
// rows have not changed.
absl::Status Doubt(PgTransaction& tx, int64_t id) {
  PENSTOCK_ASSIGN_OR_RETURN(const SnapshotRow snapshot, LoadSnapshot(tx, id, /*for_update=*/true));
  PENSTOCK_ASSIGN_OR_RETURN(const Manifest manifest, LoadManifest(tx, snapshot.manifest));
  if (manifest.levels.empty()) return absl::OkStatus();
  PENSTOCK_ASSIGN_OR_RETURN(const std::vector<pb::Level> described,
                            DescribeLevels(tx, manifest.levels));
  // A new emission makes new idempotency keys: a destination that knows the old ones would take a
  // row that was overwritten since for one that it still holds.
  const uint64_t emission = Random::System().Next();
  LevelIds levels;
  for (size_t i = 0; i < manifest.levels.size(); ++i) {
    std::vector<int64_t>& level = levels.emplace_back();
    std::vector<LevelSource> source;
    source.push_back(SourceOf(tx, manifest.levels[i]));
    const MergeOptions options{.layout = {.kind = SegmentKind::kLevel,
                                          .with_identity = snapshot.keeps_identity,
                                          .recipe = described[i].segments(0).recipe()},
                               .max_segment_bytes = kSegmentBytes,
                               .doubt = emission};
    PENSTOCK_RETURN_IF_ERROR(
        MergeLevels(std::move(source), options,
                    [&](const std::string& bytes, const SegmentHeader& header) -> absl::Status {
                      PENSTOCK_ASSIGN_OR_RETURN(const int64_t segment,
                                                StoreSegment(tx, id, header, bytes, std::nullopt));
                      level.push_back(segment);
                      return absl::OkStatus();
                    }));
  }
  PENSTOCK_RETURN_IF_ERROR(SwapManifest(tx, id, levels, {}).status());
  return CollectGarbage(tx, id);
}

// Ids that were given after the backup was taken are known to extractors' caches, to loaders and to
// Redis, with another meaning than they would get now.
absl::Status SkipNumbers(PgTransaction& tx) {
  return tx
      .Exec(
          "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, "
          "coalesce(last_value, 1) + 4294967296) FROM pg_sequences "
          "WHERE schemaname = current_schema()")
      .status();
}

absl::Status FillEffects(PgTransaction& tx, penstock::v1::DeclareRestoredResponse& effects) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult counts,
      tx.Exec("SELECT (SELECT count(*) FROM runs WHERE state < 9), (SELECT count(*) FROM syncs), "
              "(SELECT coalesce(sum(entries), 0)::bigint FROM segments WHERE kind = 1)"));
  effects.set_runs(counts.Int(0, 0));
  effects.set_syncs(counts.Int(0, 1));
  effects.set_records(counts.Int(0, 2));
  return absl::OkStatus();
}

}  // namespace

absl::Status DeclareRestored(PgTransaction& tx, const pb::DeclareRestoredRequest& request,
                             pb::DeclareRestoredResponse& response,
                             std::vector<pb::RunFacts>& ended) {
  PENSTOCK_RETURN_IF_ERROR(FillEffects(tx, *response.mutable_effects()));
  if (request.validate_only()) return absl::OkStatus();
  PENSTOCK_ASSIGN_OR_RETURN(const std::vector<Uuid> runs, EndRuns(tx));
  PENSTOCK_ASSIGN_OR_RETURN(PgResult snapshots, tx.Exec("SELECT id FROM snapshots ORDER BY id"));
  for (int row = 0; row < snapshots.rows(); ++row)
    PENSTOCK_RETURN_IF_ERROR(Doubt(tx, snapshots.Int(row, 0)));
  PENSTOCK_RETURN_IF_ERROR(SkipNumbers(tx));
  PENSTOCK_ASSIGN_OR_RETURN(ended, LoadFacts(tx, runs));
  return Audit(tx, request.actor(), "restored", "Cluster");
}

}  // namespace penstock::state
