#include "services/state/app/read_store.h"

#include "absl/strings/str_cat.h"
#include "penstock/internal/v1/extraction.pb.h"
#include "penstock/v1/resources.pb.h"
#include "services/common/core/status.h"
#include "services/common/pg/pg_connection.h"
#include "services/state/app/read_resources.h"
#include "services/state/app/seal.h"
#include "services/state/app/snapshot_store.h"
#include "services/state/app/sync_store.h"
#include "services/state/domain/settlement.h"

namespace penstock::state {

namespace pb = penstock::internal::v1;

namespace {

struct Revision {
  int64_t number = 0;
  penstock::v1::Resource resource;
};

absl::StatusOr<Revision> CurrentRevision(const RunResources& resources, const char* kind,
                                         const std::string& name) {
  PENSTOCK_ASSIGN_OR_RETURN(penstock::v1::Resource resource, resources.Newest(kind, name));
  const int64_t number = std::stoll(resource.etag());
  return Revision{number, std::move(resource)};
}

// A task follows the read's end that removes what left the model, or forgets it.
bool HasRemovals(const penstock::v1::Sync& sync) {
  return Removes(sync) || sync.mode() == penstock::v1::MODE_APPEND;
}

// Counts what the log says of the read's records and stores it: announced records without a batch
// are withdrawn, begun ones without an outcome are in doubt.
absl::Status CountUndone(PgTransaction& tx, const Uuid& run, int64_t read) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult batches,
      tx.Exec(
          "SELECT operation, outcomes FROM batches WHERE run = $1 AND read = $2 AND NOT settled",
          {run, read}));
  for (int row = 0; row < batches.rows(); ++row) {
    const OutcomeCounts counts = CountOutcomes(batches.Text(row, 1));
    PENSTOCK_RETURN_IF_ERROR(tx.Exec("UPDATE read_operations SET in_doubt = in_doubt + $4 WHERE "
                                     "run = $1 AND read = $2 AND operation = $3",
                                     {run, read, batches.Int(row, 0), counts.of(Outcome::kPending)})
                                 .status());
  }
  return tx
      .Exec(
          "UPDATE read_operations SET withdrawn = announced + truncated - delivered - unchanged - "
          "skipped - rejected "
          "- in_doubt WHERE run = $1 AND read = $2",
          {run, read})
      .status();
}

}  // namespace

absl::Status BeginRead(PgTransaction& tx, const Uuid& run, int64_t wait_ms) {
  PENSTOCK_ASSIGN_OR_RETURN(PgResult snapshot,
                            tx.Exec("SELECT snapshot FROM runs WHERE id = $1", {run}));
  PENSTOCK_RETURN_IF_ERROR(LockPins(tx, snapshot.Int(0, 0)));
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult row,
      tx.Exec("SELECT r.read + 1, s.manifest, r.type, r.removes_all, r.partial FROM runs r "
              "JOIN snapshots s ON s.id = r.snapshot "
              "WHERE r.id = $1",
              {run}));
  const int64_t read = row.Int(0, 0), manifest = row.Int(0, 1);
  const bool is_plan = row.Int(0, 2) == penstock::v1::RUN_TYPE_PLAN;
  const bool removes_all = row.Bool(0, 3), partial = row.Bool(0, 4);
  PENSTOCK_ASSIGN_OR_RETURN(const RunResources resources, RunResources::Load(tx, run));
  PENSTOCK_ASSIGN_OR_RETURN(const Revision sync,
                            CurrentRevision(resources, "Sync", resources.sync()));
  const penstock::v1::Sync& spec = sync.resource.sync();
  PENSTOCK_ASSIGN_OR_RETURN(const Revision model,
                            CurrentRevision(resources, "Model", spec.model()));
  PENSTOCK_ASSIGN_OR_RETURN(const Revision source,
                            CurrentRevision(resources, "Source", model.resource.model().source()));
  const std::string& destination_name =
      resources.sends_to().empty() ? spec.destination() : resources.sends_to();
  PENSTOCK_ASSIGN_OR_RETURN(const Revision destination,
                            CurrentRevision(resources, "Destination", destination_name));
  PENSTOCK_ASSIGN_OR_RETURN(
      const Revision connector,
      CurrentRevision(resources, "Connector", destination.resource.destination().connector()));

  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult task,
      tx.Exec("INSERT INTO tasks (run, read, kind, state, not_before) "
              "VALUES ($1, $2, $3, 1, now() + $4 * interval '1 millisecond') RETURNING id",
              {run, read, static_cast<int>(is_plan ? pb::TASK_KIND_PLAN : pb::TASK_KIND_READ),
               wait_ms}));
  PENSTOCK_RETURN_IF_ERROR(
      tx.Exec("INSERT INTO reads (run, read, task, manifest, source_revision, model_revision, "
              "sync_revision, "
              "connector_revision, removes, give_up_after_ms, max_rejected, max_rejected_min, "
              "max_in_flight) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
              {run, read, task.Int(0, 0), manifest, source.number, model.number, sync.number,
               connector.number, (HasRemovals(spec) && !is_plan && !partial) || removes_all,
               spec.delivery().give_up_after_ms(), spec.guard().max_rejected(),
               spec.guard().max_rejected_min(), spec.delivery().max_in_flight()})
          .status());
  return tx
      .Exec("UPDATE runs SET read = $2, destination = $3, account = $4 WHERE id = $1",
            {run, read, destination_name,
             destination.resource.destination().account().empty()
                 ? destination_name
                 : destination.resource.destination().account()})
      .status();
}

absl::StatusOr<ClosedRead> CloseRead(PgTransaction& tx, const Uuid& run) {
  PENSTOCK_ASSIGN_OR_RETURN(PgResult row,
                            tx.Exec("SELECT d.read, d.closed, d.whole FROM runs r JOIN reads d ON "
                                    "d.run = r.id AND d.read = r.read "
                                    "WHERE r.id = $1",
                                    {run}));
  ClosedRead out;
  if (row.empty()) return out;
  const int64_t read = row.Int(0, 0);
  if (!row.Bool(0, 1)) {
    PENSTOCK_RETURN_IF_ERROR(CountUndone(tx, run, read));
    PENSTOCK_RETURN_IF_ERROR(SealLog(tx, run, read));
    PENSTOCK_RETURN_IF_ERROR(
        tx.Exec("UPDATE reads SET closed = true WHERE run = $1 AND read = $2", {run, read})
            .status());
    PENSTOCK_RETURN_IF_ERROR(
        tx.Exec("DELETE FROM bitmaps WHERE run = $1 AND read = $2", {run, read}).status());
    PENSTOCK_RETURN_IF_ERROR(
        tx.Exec("UPDATE tasks SET state = 4 WHERE run = $1 AND read = $2 AND state < 3",
                {run, read})
            .status());
  }
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult sums,
      tx.Exec("SELECT coalesce(sum(rejected), 0)::bigint, coalesce(sum(in_doubt), 0)::bigint, "
              "coalesce(sum(withdrawn), 0)::bigint, "
              "coalesce(sum(delivered + unchanged + skipped + rejected), 0)::bigint, "
              "coalesce(sum(truncated), 0)::bigint "
              "FROM read_operations WHERE run = $1 AND read = $2",
              {run, read}));
  out.whole = row.Bool(0, 2);
  out.rejected = sums.Int(0, 0);
  out.in_doubt = sums.Int(0, 1);
  out.withdrawn = sums.Int(0, 2);
  out.settled = sums.Int(0, 3);
  out.truncated = sums.Int(0, 4);
  return out;
}

}  // namespace penstock::state
