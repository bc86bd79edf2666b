#include "services/state/app/life_cycle.h"

#include "absl/strings/str_cat.h"
#include "services/common/core/status.h"
#include "services/common/pg/pg_connection.h"
#include "services/state/app/audit.h"
#include "services/state/app/run_store.h"
#include "services/state/app/snapshot_store.h"
#include "services/state/app/sync_store.h"

namespace penstock::state {
namespace {

namespace v1 = penstock::v1;

// The destination is emptied first; the Sync goes at the end of that run.
absl::Status RemoveRecords(PgTransaction& tx, const std::string& name) {
  PENSTOCK_ASSIGN_OR_RETURN(const SyncRow sync, LockSync(tx, name));
  if (sync.deleting) return absl::OkStatus();
  PENSTOCK_ASSIGN_OR_RETURN(const SnapshotRow snapshot,
                            LoadSnapshot(tx, sync.snapshot, /*for_update=*/false));
  if (!snapshot.keeps_identity) {
    return Error(ErrorCode::kINVALID_RESOURCE,
                 absl::StrCat("Sync \"", name,
                              "\" doesn't remove (mode, on_removed), so it has not kept what "
                              "removing its records needs; delete it without --remove-records"));
  }
  PENSTOCK_RETURN_IF_ERROR(
      tx.Exec("UPDATE syncs SET paused = true, deleting = true WHERE name = $1", {name}).status());
  return CreateRemovalRun(tx, name).status();
}

absl::Status DeleteSync(PgTransaction& tx, const std::string& name, v1::Fate fate) {
  if (fate == v1::FATE_REMOVE) return RemoveRecords(tx, name);
  PENSTOCK_RETURN_IF_ERROR(LockSync(tx, name).status());
  PENSTOCK_RETURN_IF_ERROR(StopRuns(tx, name));
  return RetireSync(tx, name, fate == v1::FATE_FORGET ? Delivered::kForgotten : Delivered::kKept);
}

absl::Status SetPaused(PgTransaction& tx, const std::string& name, bool paused) {
  PENSTOCK_ASSIGN_OR_RETURN(const SyncRow sync, LockSync(tx, name));
  if (sync.deleting) {
    return Error(ErrorCode::kSYNC_PAUSED,
                 absl::StrCat("Sync \"", name, "\" is being deleted; to keep it, `penstock cancel ",
                              name, "` first"));
  }
  PENSTOCK_RETURN_IF_ERROR(
      tx.Exec("UPDATE syncs SET paused = $2 WHERE name = $1", {name, paused}).status());
  return paused ? absl::OkStatus() : NotifyQueued(tx, name);
}

}  // namespace

absl::Status DeleteResource(PgTransaction& tx, const v1::ResourceName& name, v1::Fate fate,
                            const std::string& actor) {
  PENSTOCK_RETURN_IF_ERROR(Audit(tx, actor, "delete", absl::StrCat(name.kind(), "/", name.name())));
  if (name.kind() == "Sync") return DeleteSync(tx, name.name(), fate);
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows, tx.Exec("DELETE FROM resources WHERE kind = $1 AND name = $2 RETURNING 1",
                             {name.kind(), name.name()}));
  if (!rows.empty()) return absl::OkStatus();
  return Error(ErrorCode::kRESOURCE_NOT_FOUND,
               absl::StrCat("there is no ", name.kind(), " \"", name.name(), "\""));
}

absl::Status ChangeSync(PgTransaction& tx, const pb::ChangeSyncRequest& request,
                        pb::ChangeSyncResponse& response) {
  const std::string& name = request.sync();
  if (request.has_paused()) {
    PENSTOCK_RETURN_IF_ERROR(SetPaused(tx, name, request.paused()));
    PENSTOCK_RETURN_IF_ERROR(Audit(tx, request.actor(), request.paused() ? "pause" : "resume",
                                   absl::StrCat("Sync/", name)));
  }
  if (request.reset() != v1::RESET_UNSPECIFIED) {
    PENSTOCK_RETURN_IF_ERROR(ResetSync(tx, name, request.reset()));
    PENSTOCK_RETURN_IF_ERROR(Audit(tx, request.actor(), "reset", absl::StrCat("Sync/", name)));
  }
  return FillStatus(tx, name, *response.mutable_status());
}

}  // namespace penstock::state
