#include "services/state/app/seal.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "penstock/v1/resources.pb.h"
#include "services/common/core/status.h"
#include "services/common/core/testpoint.h"
#include "services/common/model/fold.h"
#include "services/common/model/snapshot.h"
#include "services/common/pg/pg_connection.h"
#include "services/state/app/proto_json.h"
#include "services/state/app/snapshot_store.h"
#include "services/state/domain/deferrals.h"
#include "services/state/domain/levels.h"

namespace penstock::state {
namespace {

constexpr size_t kRunBytes = 64 << 20;  // of one sorted run of the log
constexpr size_t kSegmentBytes = 16 << 20;
constexpr int kPage = 64;  // batches read at a time

// What of a read its log is folded by.
struct ReadRow {
  uint64_t recipe = 0;
  uint64_t identity_fingerprint = 0;
  int64_t now_us = 0;
  DeferralPolicy policy;
};

absl::StatusOr<ReadRow> LoadRead(PgTransaction& tx, const Uuid& run, int64_t read) {
  PENSTOCK_ASSIGN_OR_RETURN(PgResult rows,
                            tx.Exec("SELECT d.recipe, d.identity_fingerprint, now(), v.spec::text "
                                    "FROM reads d JOIN runs r ON r.id = d.run "
                                    "JOIN revisions v ON v.kind = 'Sync' AND v.name = r.sync AND "
                                    "v.revision = d.sync_revision "
                                    "WHERE d.run = $1 AND d.read = $2",
                                    {run, read}));
  if (rows.empty())
    return Error(ErrorCode::kDATA_CORRUPT,
                 absl::StrCat("read ", read, " of ", run.ToString(), " is gone"));
  penstock::v1::Resource sync;
  PENSTOCK_RETURN_IF_ERROR(FromJson(rows.Text(0, 3), sync));
  return ReadRow{.recipe = rows.UInt(0, 0),
                 .identity_fingerprint = rows.UInt(0, 1),
                 .now_us = rows.Micros(0, 2),
                 .policy = {.from_us = sync.sync().retry_from_ms() * 1000,
                            .to_us = sync.sync().retry_to_ms() * 1000}};
}

// Folds the log page by page; every kRunBytes become a level.
class Sealer {
 public:
  Sealer(PgTransaction& tx, const Uuid& run, const SnapshotRow& snapshot, ReadRow read,
         Manifest manifest)
      : tx_(tx),
        run_(run),
        snapshot_(snapshot),
        read_(read),
        manifest_(std::move(manifest)),
        layout_{.kind = SegmentKind::kLevel,
                .with_identity = snapshot.keeps_identity,
                .recipe = read.recipe},
        folder_(layout_) {}

  absl::Status Add(const BegunBatch& batch) {
    PENSTOCK_RETURN_IF_ERROR(folder_.Add(batch));
    PENSTOCK_RETURN_IF_ERROR(refusals_.Add(batch, !manifest_.deferrals.empty()));
    return folder_.bytes() < kRunBytes ? absl::OkStatus() : FinishRun();
  }

  absl::Status Finish() {
    PENSTOCK_RETURN_IF_ERROR(FinishRun());
    return SwapManifest(tx_, snapshot_.id, manifest_.levels, manifest_.deferrals).status();
  }

 private:
  SegmentSink StoreInto(std::vector<int64_t>& ids) {
    return [this, &ids](const std::string& bytes, const SegmentHeader& header) -> absl::Status {
      PENSTOCK_ASSIGN_OR_RETURN(const int64_t id,
                                StoreSegment(tx_, snapshot_.id, header, bytes, run_));
      ids.push_back(id);
      return absl::OkStatus();
    };
  }

  absl::Status FinishRun() {
    std::vector<int64_t> level;
    PENSTOCK_RETURN_IF_ERROR(folder_.Finish(kSegmentBytes, StoreInto(level)));
    if (!level.empty()) manifest_.levels.push_back(std::move(level));
    return FinishDeferrals();
  }

  // The deferrals stay one level: the new ones are merged with it at once, for they are few.
  absl::Status FinishDeferrals() {
    if (refusals_.empty()) return absl::OkStatus();
    const std::vector<int64_t> old =
        manifest_.deferrals.empty() ? std::vector<int64_t>{} : manifest_.deferrals[0];
    PENSTOCK_ASSIGN_OR_RETURN(
        const std::string fresh,
        refusals_.Build(SourceOf(tx_, old), read_.recipe, read_.policy, read_.now_us));
    std::vector<LevelSource> newest_first;
    newest_first.push_back(
        [&fresh, given = false]() mutable -> absl::StatusOr<std::optional<std::string>> {
          return std::exchange(given, true) ? std::nullopt : std::optional<std::string>(fresh);
        });
    newest_first.push_back(SourceOf(tx_, old));
    std::vector<int64_t> merged;
    const MergeOptions options{.layout = {.kind = SegmentKind::kDeferrals, .recipe = read_.recipe},
                               .drop_tombstones = true,
                               .max_segment_bytes = kSegmentBytes};
    PENSTOCK_RETURN_IF_ERROR(MergeLevels(std::move(newest_first), options, StoreInto(merged)));
    manifest_.deferrals.clear();
    if (!merged.empty()) manifest_.deferrals.push_back(std::move(merged));
    return absl::OkStatus();
  }

  PgTransaction& tx_;
  const Uuid run_;
  const SnapshotRow snapshot_;
  const ReadRow read_;
  Manifest manifest_;
  SegmentHeader layout_;
  Folder folder_;
  Refusals refusals_;
};

absl::Status FoldPages(PgTransaction& tx, const Uuid& run, int64_t read, Sealer& sealer) {
  int64_t task = 0, number = 0;
  for (;;) {
    PENSTOCK_ASSIGN_OR_RETURN(PgResult rows,
                              tx.Exec("SELECT task, number, operation, records, keeps_identity, "
                                      "intents, outcomes, unanswered FROM batches "
                                      "WHERE run = $1 AND read = $2 AND (task, number) > ($3, $4) "
                                      "ORDER BY task, number LIMIT $5",
                                      {run, read, task, number, kPage}));
    for (int row = 0; row < rows.rows(); ++row) {
      task = rows.Int(row, 0);
      number = rows.Int(row, 1);
      PENSTOCK_RETURN_IF_ERROR(sealer.Add({.operation = static_cast<Operation>(rows.Int(row, 2)),
                                           .records = static_cast<uint32_t>(rows.Int(row, 3)),
                                           .keeps_identity = rows.Bool(row, 4),
                                           .intents = rows.Text(row, 5),
                                           .outcomes = rows.Text(row, 6),
                                           .unanswered = rows.Text(row, 7)}));
    }
    if (rows.rows() < kPage) return absl::OkStatus();
  }
}

}  // namespace

absl::Status SealLog(PgTransaction& tx, const Uuid& run, int64_t read) {
  PENSTOCK_ASSIGN_OR_RETURN(PgResult log,
                            tx.Exec("SELECT r.snapshot, r.epoch, EXISTS (SELECT 1 FROM batches b "
                                    "WHERE b.run = $1 AND b.read = $2) "
                                    "FROM runs r WHERE r.id = $1",
                                    {run, read}));
  PENSTOCK_ASSIGN_OR_RETURN(const SnapshotRow snapshot,
                            LoadSnapshot(tx, log.Int(0, 0), /*for_update=*/true));
  if (log.Bool(0, 2) && snapshot.epoch == log.UInt(0, 1)) {
    PENSTOCK_ASSIGN_OR_RETURN(const ReadRow row, LoadRead(tx, run, read));
    PENSTOCK_ASSIGN_OR_RETURN(Manifest manifest, LoadManifest(tx, snapshot.manifest));
    Sealer sealer(tx, run, snapshot, row, std::move(manifest));
    PENSTOCK_RETURN_IF_ERROR(FoldPages(tx, run, read, sealer));
    PENSTOCK_RETURN_IF_ERROR(sealer.Finish());
    PENSTOCK_RETURN_IF_ERROR(tx.Exec("UPDATE snapshots SET identity_fingerprint = $2 WHERE id = $1",
                                     {snapshot.id, row.identity_fingerprint})
                                 .status());
    // Readers look through a bounded number of levels, so a log of many runs is merged before
    // anybody reads it.
    for (;;) {
      PENSTOCK_ASSIGN_OR_RETURN(const SnapshotRow head, LoadSnapshot(tx, snapshot.id, true));
      PENSTOCK_ASSIGN_OR_RETURN(const Manifest now, LoadManifest(tx, head.manifest));
      if (now.levels.size() <= kMaxNewerLevels + 1) break;
      PENSTOCK_RETURN_IF_ERROR(MergeOnce(tx, snapshot.id).status());
    }
  }
  PENSTOCK_TESTPOINT("state.sealed_before_commit");
  return tx.Exec("DELETE FROM batches WHERE run = $1 AND read = $2", {run, read}).status();
}

absl::StatusOr<bool> MergeOnce(PgTransaction& tx, int64_t snapshot_id) {
  PENSTOCK_ASSIGN_OR_RETURN(const SnapshotRow snapshot,
                            LoadSnapshot(tx, snapshot_id, /*for_update=*/true));
  PENSTOCK_ASSIGN_OR_RETURN(Manifest manifest, LoadManifest(tx, snapshot.manifest));
  PENSTOCK_ASSIGN_OR_RETURN(const std::vector<pb::Level> levels,
                            DescribeLevels(tx, manifest.levels));
  std::vector<uint64_t> entries;
  for (const pb::Level& level : levels) {
    uint64_t sum = 0;
    for (const pb::Segment& segment : level.segments()) sum += segment.entries();
    entries.push_back(sum);
  }
  const std::optional<LevelMerge> merge = NextMerge(entries);
  if (!merge.has_value()) return false;

  std::vector<LevelSource> newest_first;
  for (size_t i = merge->last + 1; i-- > merge->first;)
    newest_first.push_back(SourceOf(tx, manifest.levels[i]));
  const MergeOptions options{.layout = {.kind = SegmentKind::kLevel,
                                        .with_identity = snapshot.keeps_identity,
                                        .recipe = levels[merge->last].segments(0).recipe()},
                             .drop_tombstones = merge->into_base(),
                             .max_segment_bytes = kSegmentBytes};
  std::vector<int64_t> merged;
  PENSTOCK_RETURN_IF_ERROR(MergeLevels(
      std::move(newest_first), options,
      [&](const std::string& bytes, const SegmentHeader& header) -> absl::Status {
        PENSTOCK_ASSIGN_OR_RETURN(const int64_t id,
                                  StoreSegment(tx, snapshot_id, header, bytes, std::nullopt));
        merged.push_back(id);
        return absl::OkStatus();
      }));
  LevelIds rest(manifest.levels.begin(),
                manifest.levels.begin() + static_cast<ptrdiff_t>(merge->first));
  if (!merged.empty()) rest.push_back(std::move(merged));
  rest.insert(rest.end(), manifest.levels.begin() + static_cast<ptrdiff_t>(merge->last) + 1,
              manifest.levels.end());
  PENSTOCK_RETURN_IF_ERROR(SwapManifest(tx, snapshot_id, rest, manifest.deferrals).status());
  PENSTOCK_RETURN_IF_ERROR(CollectGarbage(tx, snapshot_id));
  return true;
}

}  // namespace penstock::state
