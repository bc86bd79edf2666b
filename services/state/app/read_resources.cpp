#include "services/state/app/read_resources.h"

#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/core/status.h"
#include "services/common/pg/pg_connection.h"
#include "services/state/app/proto_json.h"
#include "services/state/app/resource_store.h"

namespace penstock::state {

namespace v1 = penstock::v1;

absl::StatusOr<RunResources> RunResources::Load(PgTransaction& tx, const Uuid& run) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("SELECT sync, sends_to, overlay::text FROM runs WHERE id = $1", {run}));
  if (rows.empty())
    return Error(ErrorCode::kRESOURCE_NOT_FOUND, absl::StrCat("there is no run ", run.ToString()));
  RunResources resources(tx);
  resources.sync_ = rows.Text(0, 0);
  resources.sends_to_ = rows.Text(0, 1);
  PENSTOCK_RETURN_IF_ERROR(FromJson(rows.Text(0, 2), resources.overlay_));
  return resources;
}

const v1::Resource* RunResources::FindOwn(const char* kind, const std::string& name) const {
  for (const v1::Resource& one : overlay_.resources()) {
    if (KindOf(one) == std::string_view(kind) && MetadataOf(one).name() == name) return &one;
  }
  return nullptr;
}

absl::StatusOr<v1::Resource> RunResources::Newest(const char* kind, const std::string& name) const {
  const v1::Resource* own = FindOwn(kind, name);
  if (own == nullptr) return LoadResource(tx_, kind, name);
  v1::Resource resource = *own;
  resource.set_etag("0");
  return resource;
}

absl::StatusOr<v1::Resource> RunResources::At(const char* kind, const std::string& name,
                                              int64_t revision) const {
  return revision == 0 ? Newest(kind, name) : LoadRevision(tx_, kind, name, revision);
}

absl::StatusOr<ReadResources> LoadReadResources(PgTransaction& tx, const Uuid& run, int64_t read) {
  PENSTOCK_ASSIGN_OR_RETURN(const RunResources of_run, RunResources::Load(tx, run));
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("SELECT d.sync_revision, d.model_revision, d.connector_revision, r.destination "
              "FROM reads d JOIN runs r ON r.id = d.run WHERE d.run = $1 AND d.read = $2",
              {run, read}));
  if (rows.empty()) return Error(ErrorCode::kRESOURCE_NOT_FOUND, "there is no such read");
  ReadResources out;
  PENSTOCK_ASSIGN_OR_RETURN(v1::Resource sync, of_run.At("Sync", of_run.sync(), rows.Int(0, 0)));
  out.sync = std::move(*sync.mutable_sync());
  PENSTOCK_ASSIGN_OR_RETURN(v1::Resource model,
                            of_run.At("Model", out.sync.model(), rows.Int(0, 1)));
  out.model = std::move(*model.mutable_model());
  PENSTOCK_ASSIGN_OR_RETURN(v1::Resource source, of_run.Newest("Source", out.model.source()));
  out.source = std::move(*source.mutable_source());
  const std::string destination_name(rows.Text(0, 3));
  PENSTOCK_ASSIGN_OR_RETURN(v1::Resource destination,
                            of_run.Newest("Destination", destination_name));
  out.destination = std::move(*destination.mutable_destination());
  PENSTOCK_ASSIGN_OR_RETURN(v1::Resource connector,
                            of_run.At("Connector", out.destination.connector(), rows.Int(0, 2)));
  out.connector = std::move(*connector.mutable_connector());
  out.sync.set_destination(destination_name);
  return out;
}

}  // namespace penstock::state
