#include "services/state/app/sync_store.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "services/common/core/random.h"
#include "services/common/core/status.h"
#include "services/common/pg/pg_connection.h"
#include "services/state/app/resource_store.h"

namespace penstock::state {
namespace {

namespace v1 = penstock::v1;

absl::Status NoSync(const std::string& name) {
  return Error(ErrorCode::kRESOURCE_NOT_FOUND,
               absl::StrCat("there is no Sync \"", name,
                            "\"; `penstock get syncs` lists those that were applied"));
}

struct NewSnapshot {
  std::string target;
  bool keeps_identity = false;
  int64_t epoch = 1;
  bool adopts = false;
  bool retired = false;  // goes with the run that works on it
};

absl::StatusOr<int64_t> InsertSnapshot(PgTransaction& tx, const NewSnapshot& snapshot) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("INSERT INTO snapshots (seed, keeps_identity, target, epoch, adopts, retired_at) "
              "VALUES ($1, $2, $3, $4, $5, CASE WHEN $6 THEN '-infinity'::timestamptz END) "
              "RETURNING id",
              {Random::System().Next(), snapshot.keeps_identity, snapshot.target, snapshot.epoch,
               snapshot.adopts, snapshot.retired}));
  return rows.Int(0, 0);
}

// What a deleted Sync of this name has left at the same target, if it knows enough.
absl::StatusOr<std::optional<int64_t>> TakeRetired(PgTransaction& tx, const std::string& name,
                                                   const pb::SyncTarget& target) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("UPDATE snapshots SET retired_from = NULL, retired_at = NULL WHERE id = ("
              "SELECT id FROM snapshots WHERE retired_from = $1 AND retired_at > '-infinity' AND "
              "target = $2 AND (keeps_identity OR NOT $3) ORDER BY retired_at DESC LIMIT 1) "
              "RETURNING id",
              {name, target.target(), target.keeps_identity()}));
  return rows.empty() ? std::nullopt : std::optional(rows.Int(0, 0));
}

absl::Status InsertSync(PgTransaction& tx, const v1::Sync& sync, const pb::SyncTarget& target,
                        bool paused) {
  const std::string& name = sync.metadata().name();
  PENSTOCK_ASSIGN_OR_RETURN(std::optional<int64_t> snapshot, TakeRetired(tx, name, target));
  if (!snapshot.has_value()) {
    PENSTOCK_ASSIGN_OR_RETURN(snapshot,
                              InsertSnapshot(tx, {.target = target.target(),
                                                  .keeps_identity = target.keeps_identity(),
                                                  .adopts = sync.backfill() == v1::BACKFILL_NONE}));
  }
  return tx
      .Exec(
          "INSERT INTO syncs (name, snapshot, destination, account, paused) "
          "VALUES ($1, $2, $3, $4, $5)",
          {name, *snapshot, sync.destination(), target.account(), paused})
      .status();
}

// The rows go with the next round of housekeeping: there may be very many.
absl::Status Discard(PgTransaction& tx, int64_t snapshot) {
  return tx.Exec("UPDATE snapshots SET retired_at = '-infinity' WHERE id = $1", {snapshot})
      .status();
}

absl::Status ReplaceSnapshot(PgTransaction& tx, const std::string& name, const SyncRow& sync,
                             bool adopts) {
  PENSTOCK_ASSIGN_OR_RETURN(const v1::Resource resource, LoadResource(tx, "Sync", name));
  PENSTOCK_ASSIGN_OR_RETURN(PgResult old,
                            tx.Exec("SELECT target FROM snapshots WHERE id = $1", {sync.snapshot}));
  // A later epoch, so that no idempotency key of the old one comes again.
  PENSTOCK_ASSIGN_OR_RETURN(const int64_t fresh,
                            InsertSnapshot(tx, {.target = std::string(old.Text(0, 0)),
                                                .keeps_identity = Removes(resource.sync()),
                                                .epoch = sync.epoch + 1,
                                                .adopts = adopts}));
  PENSTOCK_RETURN_IF_ERROR(
      tx.Exec("UPDATE syncs SET snapshot = $2 WHERE name = $1", {name, fresh}).status());
  return Discard(tx, sync.snapshot);
}

}  // namespace

absl::StatusOr<int64_t> MakeScratchSnapshot(PgTransaction& tx) {
  return InsertSnapshot(tx, {.retired = true});
}

bool Removes(const v1::Sync& sync) {
  return sync.mode() == v1::MODE_MIRROR || sync.on_removed() == v1::ON_REMOVED_DELETE;
}

absl::StatusOr<SyncRow> LockSync(PgTransaction& tx, const std::string& name) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows, tx.Exec("SELECT s.snapshot, p.epoch, s.destination, s.account, s.paused, "
                             "s.deleting, clock_timestamp() FROM syncs s "
                             "JOIN snapshots p ON p.id = s.snapshot WHERE s.name = $1 "
                             "FOR UPDATE OF s",
                             {name}));
  if (rows.empty()) return NoSync(name);
  return SyncRow{.snapshot = rows.Int(0, 0),
                 .epoch = rows.Int(0, 1),
                 .destination = std::string(rows.Text(0, 2)),
                 .account = std::string(rows.Text(0, 3)),
                 .paused = rows.Bool(0, 4),
                 .deleting = rows.Bool(0, 5),
                 .now = WallTime(std::chrono::microseconds(rows.Micros(0, 6)))};
}

absl::Status StoreSync(PgTransaction& tx, const v1::Sync& sync, const pb::SyncTarget& target,
                       bool paused_if_new) {
  const std::string& name = sync.metadata().name();
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows, tx.Exec("SELECT snapshot FROM syncs WHERE name = $1 FOR UPDATE", {name}));
  if (rows.empty()) {
    PENSTOCK_RETURN_IF_ERROR(InsertSync(tx, sync, target, paused_if_new));
  } else if (target.reset() != v1::RESET_UNSPECIFIED) {
    PENSTOCK_RETURN_IF_ERROR(ResetSync(tx, name, target.reset()));
  }
  PENSTOCK_RETURN_IF_ERROR(
      tx.Exec(
            // Before the first run nothing says that entries lack what removing needs, and its rows
            // may still be taken as delivered.
            "UPDATE snapshots p SET target = $2, keeps_identity = CASE WHEN begun THEN "
            "keeps_identity ELSE $3 END, adopts = CASE WHEN begun OR p.epoch > 1 THEN adopts ELSE "
            "$4 END FROM syncs s, LATERAL (SELECT EXISTS (SELECT 1 FROM runs WHERE snapshot = "
            "s.snapshot AND type = 1 AND state <> 1) AS begun) b WHERE s.name = $1 AND p.id = "
            "s.snapshot",
            {name, target.target(), target.keeps_identity(), sync.backfill() == v1::BACKFILL_NONE})
          .status());
  return tx
      .Exec("UPDATE syncs SET destination = $2, account = $3 WHERE name = $1",
            {name, sync.destination(), target.account()})
      .status();
}

absl::Status RetireSync(PgTransaction& tx, const std::string& name, Delivered delivered) {
  PENSTOCK_ASSIGN_OR_RETURN(const SyncRow sync, LockSync(tx, name));
  PENSTOCK_RETURN_IF_ERROR(tx.Exec("DELETE FROM syncs WHERE name = $1", {name}).status());
  PENSTOCK_RETURN_IF_ERROR(
      tx.Exec("DELETE FROM resources WHERE kind = 'Sync' AND name = $1", {name}).status());
  if (delivered == Delivered::kForgotten) return Discard(tx, sync.snapshot);
  return tx
      .Exec("UPDATE snapshots SET retired_from = $2, retired_at = now() WHERE id = $1",
            {sync.snapshot, name})
      .status();
}

absl::Status ResetSync(PgTransaction& tx, const std::string& name, v1::Reset reset) {
  PENSTOCK_ASSIGN_OR_RETURN(const SyncRow sync, LockSync(tx, name));
  PENSTOCK_ASSIGN_OR_RETURN(PgResult active,
                            tx.Exec("SELECT id FROM runs WHERE sync = $1 AND type = 1 AND state "
                                    "BETWEEN 2 AND 8 LIMIT 1",
                                    {name}));
  if (!active.empty()) {
    return Error(ErrorCode::kRUN_ACTIVE,
                 absl::StrCat("Sync \"", name, "\" can't be reset while run ",
                              active.GetUuid(0, 0).ToString(), " is active; wait for its end, or ",
                              "`penstock cancel ", name, "`"));
  }
  if (reset != v1::RESET_RESEND)
    return ReplaceSnapshot(tx, name, sync, /*adopts=*/reset == v1::RESET_BASELINE);
  // Another identity may come: entries keyed by the old one are never seen again, and so removed.
  return tx
      .Exec(
          "UPDATE snapshots SET epoch = epoch + 1, identity_fingerprint = 0, adopts = false WHERE "
          "id = $1",
          {sync.snapshot})
      .status();
}

absl::Status FillStatus(PgTransaction& tx, const std::string& name, v1::SyncStatus& status) {
  PENSTOCK_ASSIGN_OR_RETURN(PgResult rows,
                            tx.Exec("SELECT s.paused, s.deleting, p.adopts FROM syncs s "
                                    "JOIN snapshots p ON p.id = s.snapshot WHERE s.name = $1",
                                    {name}));
  if (rows.empty()) return NoSync(name);
  pb::DescribeSnapshotsRequest describe;
  describe.add_syncs(name);
  pb::DescribeSnapshotsResponse described;
  PENSTOCK_RETURN_IF_ERROR(DescribeSnapshots(tx, describe, described));
  status.set_sync(name);
  status.set_paused(rows.Bool(0, 0));
  status.set_deleting(rows.Bool(0, 1));
  status.set_baseline(rows.Bool(0, 2));
  status.set_delivered_rows(described.snapshots().at(name).records());
  return absl::OkStatus();
}

}  // namespace penstock::state
