#include "services/state/app/resource_store.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "services/common/core/status.h"
#include "services/common/pg/pg_connection.h"
#include "services/state/app/audit.h"
#include "services/state/app/life_cycle.h"
#include "services/state/app/proto_json.h"
#include "services/state/app/run_store.h"
#include "services/state/app/schedule_store.h"
#include "services/state/app/snapshot_store.h"
#include "services/state/app/sync_store.h"

namespace penstock::state {
namespace {

namespace v1 = penstock::v1;

constexpr int64_t kApplyLock = 0x70656e6170706c79;
constexpr int64_t kMaxPageBytes = 2 << 20;

std::string LabelsJson(const v1::Metadata& metadata) {
  v1::Metadata labels_only;
  *labels_only.mutable_labels() = metadata.labels();
  const std::string json = ToJson(labels_only);
  constexpr std::string_view kPrefix = "{\"labels\":";
  return metadata.labels().empty() ? "{}"
                                   : json.substr(kPrefix.size(), json.size() - kPrefix.size() - 1);
}

struct Stored {
  int64_t revision = 0;
  std::string spec;
};

absl::StatusOr<std::optional<Stored>> Lock(PgTransaction& tx, const char* kind,
                                           const std::string& name) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("SELECT revision, spec::text FROM resources WHERE kind = $1 AND name = $2 FOR UPDATE",
              {kind, name}));
  if (rows.empty()) return std::nullopt;
  return Stored{rows.Int(0, 0), std::string(rows.Text(0, 1))};
}

// Moves everything that hangs on the old name; does nothing when that name is not there (any more).
absl::Status Rename(PgTransaction& tx, const char* kind, const std::string& from,
                    const std::string& to) {
  PENSTOCK_ASSIGN_OR_RETURN(const auto old, Lock(tx, kind, from));
  PENSTOCK_ASSIGN_OR_RETURN(const auto taken, Lock(tx, kind, to));
  if (!old.has_value()) return absl::OkStatus();
  if (taken.has_value()) {
    return Error(ErrorCode::kINVALID_RESOURCE,
                 absl::StrCat(kind, " \"", to, "\" can't take over from \"", from,
                              "\": both exist; drop renamed_from"));
  }
  PENSTOCK_RETURN_IF_ERROR(
      tx.Exec("UPDATE resources SET name = $3 WHERE kind = $1 AND name = $2", {kind, from, to})
          .status());
  PENSTOCK_RETURN_IF_ERROR(
      tx.Exec("UPDATE revisions SET name = $3 WHERE kind = $1 AND name = $2", {kind, from, to})
          .status());
  const std::string_view what = kind;
  if (what == "Sync") {
    for (const char* sql :
         {"UPDATE syncs SET name = $2 WHERE name = $1", "UPDATE runs SET sync = $2 WHERE sync = $1",
          "UPDATE rejected SET sync = $2 WHERE sync = $1"}) {
      PENSTOCK_RETURN_IF_ERROR(tx.Exec(sql, {from, to}).status());
    }
    PENSTOCK_RETURN_IF_ERROR(RenameParent(tx, from, to));
  }
  if (what == "Destination") {
    for (const char* sql :
         {"UPDATE syncs SET destination = $2 WHERE destination = $1",
          "UPDATE runs SET destination = $2 WHERE destination = $1 AND state < 9"}) {
      PENSTOCK_RETURN_IF_ERROR(tx.Exec(sql, {from, to}).status());
    }
  }
  return absl::OkStatus();
}

// The planner has checked this against what it saw; here two applies at once see each other.
absl::Status CheckOneRemover(PgTransaction& tx, const pb::StoreResourcesRequest& request) {
  for (const auto& [name, target] : request.targets()) {
    if (!target.keeps_identity()) continue;
    PENSTOCK_ASSIGN_OR_RETURN(
        PgResult rows,
        tx.Exec("SELECT s.name FROM syncs s JOIN snapshots p ON p.id = s.snapshot "
                "JOIN resources r ON r.kind = 'Sync' AND r.name = s.name "
                "WHERE p.target = $1 AND s.name <> $2 AND (r.spec->'sync'->>'mode' = 'MODE_MIRROR' "
                "OR r.spec->'sync'->>'onRemoved' = 'ON_REMOVED_DELETE') LIMIT 1",
                {target.target(), name}));
    if (rows.empty()) continue;
    return Error(ErrorCode::kINVALID_RESOURCE,
                 absl::StrCat("Syncs \"", name, "\" and \"", Absl(rows.Text(0, 0)),
                              "\" would both remove at one target; let one of them keep what left "
                              "its model (mode: upsert, on_removed: keep)"));
  }
  return absl::OkStatus();
}

// What a person fixed by applying may go on at once.
absl::Status ResumeParkedForUser(PgTransaction& tx) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows, tx.Exec("SELECT id FROM runs WHERE state = 8 AND park_reason = $1 ORDER BY id",
                             {static_cast<int>(pb::PARK_REASON_USER)}));
  for (int row = 0; row < rows.rows(); ++row) {
    pb::TransitionRequest resume;
    resume.set_run_id(rows.GetUuid(row, 0).ToString());
    resume.set_event(pb::RUN_EVENT_RESUME);
    PENSTOCK_RETURN_IF_ERROR(Transition(tx, resume));
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> StoreRevision(PgTransaction& tx, const char* kind,
                                      const v1::Resource& resource, const std::string& spec,
                                      const std::string& actor) {
  const v1::Metadata& metadata = MetadataOf(resource);
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("INSERT INTO resources (kind, name, revision, labels, spec) "
              "VALUES ($1, $2, nextval('resource_revision'), $3::text::jsonb, $4::text::jsonb) "
              "ON CONFLICT (kind, name) DO UPDATE SET revision = excluded.revision, labels = "
              "excluded.labels, "
              "spec = excluded.spec, updated_at = now() RETURNING revision",
              {kind, metadata.name(), LabelsJson(metadata), spec}));
  PENSTOCK_RETURN_IF_ERROR(tx.Exec("INSERT INTO revisions (kind, name, revision, spec, actor) "
                                   "VALUES ($1, $2, $3, $4::text::jsonb, $5)",
                                   {kind, metadata.name(), rows.Int(0, 0), spec, actor})
                               .status());
  PENSTOCK_RETURN_IF_ERROR(Audit(tx, actor, "apply", absl::StrCat(kind, "/", metadata.name())));
  return rows.Int(0, 0);
}

absl::StatusOr<v1::Resource> Parse(std::string_view spec, int64_t revision) {
  v1::Resource resource;
  PENSTOCK_RETURN_IF_ERROR(FromJson(spec, resource));
  resource.set_etag(absl::StrCat(revision));
  return resource;
}

}  // namespace

const v1::Metadata& MetadataOf(const v1::Resource& resource) {
  switch (resource.kind_case()) {
    case v1::Resource::kSource:
      return resource.source().metadata();
    case v1::Resource::kModel:
      return resource.model().metadata();
    case v1::Resource::kDestination:
      return resource.destination().metadata();
    case v1::Resource::kConnector:
      return resource.connector().metadata();
    default:
      return resource.sync().metadata();
  }
}

const char* KindOf(const v1::Resource& resource) {
  switch (resource.kind_case()) {
    case v1::Resource::kSource:
      return "Source";
    case v1::Resource::kModel:
      return "Model";
    case v1::Resource::kDestination:
      return "Destination";
    case v1::Resource::kConnector:
      return "Connector";
    default:
      return "Sync";
  }
}

absl::Status StoreResources(PgTransaction& tx, const pb::StoreResourcesRequest& request,
                            pb::StoreResourcesResponse& response) {
  // One apply at a time.
  PENSTOCK_RETURN_IF_ERROR(tx.Exec("SELECT pg_advisory_xact_lock($1)", {kApplyLock}).status());
  bool changed = false;
  for (const v1::Resource& given : request.resources()) {
    const char* kind = KindOf(given);
    const v1::Metadata& metadata = MetadataOf(given);
    if (!metadata.renamed_from().empty()) {
      PENSTOCK_RETURN_IF_ERROR(Rename(tx, kind, metadata.renamed_from(), metadata.name()));
    }
    PENSTOCK_ASSIGN_OR_RETURN(const auto stored, Lock(tx, kind, metadata.name()));
    if (!given.etag().empty() &&
        (!stored.has_value() || absl::StrCat(stored->revision) != given.etag())) {
      return Error(
          ErrorCode::kSTALE_REVISION,
          absl::StrCat(kind, " \"", metadata.name(), "\" was changed meanwhile; apply again"));
    }
    v1::Resource resource = given;
    resource.clear_etag();
    resource.clear_due();
    const std::string spec = ToJson(resource);
    PENSTOCK_ASSIGN_OR_RETURN(
        PgResult same, tx.Exec("SELECT $1::text::jsonb = $2::text::jsonb",
                               {stored.has_value() ? stored->spec : std::string("null"), spec}));
    int64_t revision = stored.has_value() ? stored->revision : 0;
    if (!same.Bool(0, 0)) {
      PENSTOCK_ASSIGN_OR_RETURN(revision, StoreRevision(tx, kind, resource, spec, request.actor()));
      changed = true;
    }
    if (resource.has_sync()) {
      const auto target = request.targets().find(metadata.name());
      if (target == request.targets().end())
        return Error(ErrorCode::kINTERNAL, "a Sync came without its target");
      PENSTOCK_RETURN_IF_ERROR(StoreSync(tx, resource.sync(), target->second, request.paused()));
    }
    resource.set_etag(absl::StrCat(revision));
    *response.add_resources() = std::move(resource);
  }
  // When every Sync that another one comes after has its row and its new name.
  for (const v1::Resource& resource : request.resources()) {
    if (resource.has_sync()) PENSTOCK_RETURN_IF_ERROR(StoreSchedule(tx, resource.sync()));
  }
  for (const v1::ResourceName& gone : request.deletes())
    PENSTOCK_RETURN_IF_ERROR(DeleteResource(tx, gone, request.fate(), request.actor()));
  PENSTOCK_RETURN_IF_ERROR(CheckOneRemover(tx, request));
  return changed ? ResumeParkedForUser(tx) : absl::OkStatus();
}

absl::Status ListResources(PgTransaction& tx, const pb::ListResourcesRequest& request,
                           pb::ListResourcesResponse& response) {
  v1::Metadata selector;
  *selector.mutable_labels() = request.labels();
  // A token is the "kind/name" after which the page begins.
  const std::string& token = request.page_token();
  const size_t slash = token.find('/');
  if (!token.empty() && slash == std::string::npos) {
    return Error(ErrorCode::kINVALID_REQUEST, "page_token is not one that this API gave");
  }
  const std::string after_kind = token.empty() ? "" : token.substr(0, slash);
  const std::string after_name = token.empty() ? "" : token.substr(slash + 1);
  const int64_t limit = request.page_size() > 0 ? request.page_size() : INT32_MAX;
  // A page ends after the resource with which it is large enough for one message.
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("SELECT kind, name, revision, spec, before + octet_length(spec) FROM ("
              "SELECT kind, name, revision, spec, "
              "coalesce(sum(octet_length(spec)) OVER (ORDER BY kind, name ROWS BETWEEN UNBOUNDED "
              "PRECEDING AND 1 PRECEDING), 0)::bigint AS before "
              "FROM (SELECT kind, name, revision, spec::text FROM resources WHERE ($1 = '' OR kind "
              "= $1) AND ($2 = '' OR name = $2) AND labels @> $3::text::jsonb AND (kind, name) > "
              "($4, $5) ORDER BY kind, name LIMIT $6) AS found) AS counted "
              "WHERE before < $7 ORDER BY kind, name",
              {request.kind(), request.name(), LabelsJson(selector), after_kind, after_name, limit,
               kMaxPageBytes}));
  for (int row = 0; row < rows.rows(); ++row) {
    PENSTOCK_ASSIGN_OR_RETURN(*response.add_resources(),
                              Parse(rows.Text(row, 3), rows.Int(row, 2)));
  }
  PENSTOCK_RETURN_IF_ERROR(AddDueTimes(tx, *response.mutable_resources()));
  const int last = rows.rows() - 1;
  if (last >= 0 && (rows.rows() == limit || rows.Int(last, 4) >= kMaxPageBytes)) {
    response.set_next_page_token(
        absl::StrCat(Absl(rows.Text(last, 0)), "/", Absl(rows.Text(last, 1))));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Resource> LoadResource(PgTransaction& tx, const char* kind,
                                          const std::string& name) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("SELECT spec::text, revision FROM resources WHERE kind = $1 AND name = $2",
              {kind, name}));
  if (rows.empty())
    return Error(ErrorCode::kRESOURCE_NOT_FOUND,
                 absl::StrCat("there is no ", kind, " \"", name, "\""));
  return Parse(rows.Text(0, 0), rows.Int(0, 1));
}

absl::StatusOr<v1::Resource> LoadRevision(PgTransaction& tx, const char* kind,
                                          const std::string& name, int64_t revision) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("SELECT spec::text FROM revisions WHERE kind = $1 AND name = $2 AND revision = $3",
              {kind, name, revision}));
  if (rows.empty()) {
    return Error(ErrorCode::kDATA_CORRUPT,
                 absl::StrCat("revision ", revision, " of ", kind, " \"", name, "\" is gone"));
  }
  return Parse(rows.Text(0, 0), revision);
}

absl::Status DescribeSnapshots(PgTransaction& tx, const pb::DescribeSnapshotsRequest& request,
                               pb::DescribeSnapshotsResponse& response) {
  for (const std::string& name : request.syncs()) {
    PENSTOCK_ASSIGN_OR_RETURN(PgResult rows,
                              tx.Exec("SELECT p.id, p.target FROM syncs s JOIN snapshots p ON p.id "
                                      "= s.snapshot WHERE s.name = $1",
                                      {name}));
    if (rows.empty()) continue;
    PENSTOCK_ASSIGN_OR_RETURN(const SnapshotRow snapshot,
                              LoadSnapshot(tx, rows.Int(0, 0), /*for_update=*/false));
    PENSTOCK_ASSIGN_OR_RETURN(const Manifest manifest, LoadManifest(tx, snapshot.manifest));
    PENSTOCK_ASSIGN_OR_RETURN(const std::vector<pb::Level> levels,
                              DescribeLevels(tx, manifest.levels));
    pb::SnapshotSummary& summary = (*response.mutable_snapshots())[name];
    summary.set_identity_fingerprint(snapshot.identity_fingerprint);
    summary.set_target(std::string(rows.Text(0, 1)));
    summary.set_keeps_identity(snapshot.keeps_identity);
    for (const pb::Level& level : levels) {
      for (const pb::Segment& segment : level.segments()) {
        summary.set_records(summary.records() + segment.entries());
        summary.set_recipe(segment.recipe());
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace penstock::state
