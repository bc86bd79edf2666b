#include "services/state/app/partial_run.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "penstock/v1/run.pb.h"
#include "services/common/core/status.h"
#include "services/common/pg/pg_connection.h"
#include "services/state/app/proto_json.h"
#include "services/state/app/resource_store.h"

namespace penstock::state {
namespace {

namespace pb = penstock::internal::v1;
namespace v1 = penstock::v1;

// The request's own resource of that name, or else the stored one.
absl::StatusOr<v1::Resource> Find(PgTransaction& tx, const pb::CreateRunRequest& request,
                                  const char* kind, const std::string& name) {
  for (const v1::Resource& own : request.resources()) {
    if (KindOf(own) == std::string_view(kind) && MetadataOf(own).name() == name) return own;
  }
  return LoadResource(tx, kind, name);
}

absl::Status CheckKey(const KeyColumns& key, const v1::Model& model) {
  const auto& primary_key = model.primary_key();
  const bool fits = static_cast<int>(key.size()) == primary_key.size() &&
                    std::all_of(primary_key.begin(), primary_key.end(),
                                [&](const std::string& column) { return key.contains(column); });
  if (fits) return absl::OkStatus();
  if (primary_key.empty()) {
    return Error(ErrorCode::kINVALID_REQUEST,
                 absl::StrCat("Model \"", model.metadata().name(),
                              "\" names no primary_key by which a row could be found; add it"));
  }
  return Error(ErrorCode::kINVALID_REQUEST,
               absl::StrCat("a row of Model \"", model.metadata().name(), "\" is named by ",
                            absl::StrJoin(primary_key, " and "), ", each once"));
}

absl::Status CheckTo(PgTransaction& tx, const pb::CreateRunRequest& request, const v1::Sync& sync) {
  PENSTOCK_ASSIGN_OR_RETURN(const v1::Resource to, Find(tx, request, "Destination", request.to()));
  PENSTOCK_ASSIGN_OR_RETURN(const v1::Resource own,
                            Find(tx, request, "Destination", sync.destination()));
  if (to.destination().connector() == own.destination().connector()) return absl::OkStatus();
  return Error(
      ErrorCode::kINVALID_REQUEST,
      absl::StrCat("Destination \"", request.to(), "\" is of connector ",
                   to.destination().connector(), ", but Sync \"", request.sync(), "\" is made for ",
                   own.destination().connector(), "; name a Destination of that connector"));
}

}  // namespace

std::string KeyJson(const KeyColumns& key) {
  v1::Run run;
  *run.mutable_key() = key;
  return ToJson(run);
}

absl::StatusOr<KeyColumns> ReadKey(std::string_view json) {
  v1::Run run;
  PENSTOCK_RETURN_IF_ERROR(FromJson(json, run));
  return run.key();
}

bool IsPartial(const pb::CreateRunRequest& request) {
  return request.type() != v1::RUN_TYPE_PLAN &&
         (request.limit() > 0 || !request.key().empty() || !request.to().empty());
}

absl::Status CheckPartial(PgTransaction& tx, const pb::CreateRunRequest& request) {
  if (request.limit() < 0)
    return Error(ErrorCode::kINVALID_REQUEST, "limit is below zero; leave it out to send all");
  if (IsPartial(request) && request.full_resync()) {
    return Error(ErrorCode::kINVALID_REQUEST,
                 "full_resync sends all rows; leave out limit, key and to, or full_resync");
  }
  if (request.key().empty() && request.to().empty()) return absl::OkStatus();
  PENSTOCK_ASSIGN_OR_RETURN(const v1::Resource sync, Find(tx, request, "Sync", request.sync()));
  if (!request.to().empty()) PENSTOCK_RETURN_IF_ERROR(CheckTo(tx, request, sync.sync()));
  if (request.key().empty()) return absl::OkStatus();
  PENSTOCK_ASSIGN_OR_RETURN(const v1::Resource model,
                            Find(tx, request, "Model", sync.sync().model()));
  return CheckKey(request.key(), model.model());
}

}  // namespace penstock::state
