#include "services/loader/app/read_plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/core/status.h"
#include "services/common/model/resource_set.h"
#include "services/loader/destinations/http/http_writer.h"
#include "services/loader/destinations/postgres/postgres_writer.h"

namespace penstock::loader {
namespace {

// What tells field tables of one sync apart.
std::string KeyOf(const BatchHeader& header) {
  std::string key =
      absl::StrCat(static_cast<int>(header.operation), "/", static_cast<int>(header.encoding));
  for (const BatchField& field : header.fields) {
    absl::StrAppend(&key, "/", FieldName(field.path), ":", field.pg_type);
  }
  for (const uint16_t field : header.identity_fields) absl::StrAppend(&key, "#", field);
  return key;
}

const OperationSpec* FindOperation(const Connector& connector, const std::string& object,
                                   Operation operation) {
  const ObjectSpec* spec = FindObject(connector, object);
  if (spec == nullptr) return nullptr;
  const auto found = spec->operations.find(operation);
  return found == spec->operations.end() ? nullptr : &found->second;
}

Normalisation NormaliseOf(const Connector& connector, const Sync& sync) {
  const ObjectSpec* spec = FindObject(connector, sync.object);
  if (spec == nullptr || sync.identity.size() != 1) return Normalisation::kNone;
  const auto found = spec->normalise.find(sync.identity.front());
  return found == spec->normalise.end() ? Normalisation::kNone : found->second;
}

PostgresTarget TargetOf(const Sync& sync, const BatchHeader& header) {
  PostgresTarget target{.table = sync.object, .header = header};
  for (const FieldMapping& field : sync.mapping) {
    if (field.on_null != OnNull::kOmit) continue;
    const auto found =
        std::find_if(header.fields.begin(), header.fields.end(),
                     [&](const BatchField& other) { return other.path == field.path; });
    if (found != header.fields.end())
      target.omittable.push_back(static_cast<uint16_t>(found - header.fields.begin()));
  }
  return target;
}

}  // namespace

ReadPlan::ReadPlan(Sync sync, const Connector& connector, Destination destination, uint64_t epoch,
                   std::shared_ptr<Connection> connection)
    : sync_(std::move(sync)),
      connector_(EffectiveConnector(connector, destination)),
      destination_(std::move(destination)),
      epoch_(epoch),
      connection_(std::move(connection)) {}

const OperationSpec* ReadPlan::Spec(Operation operation) const {
  return FindOperation(connector_, sync_.object, operation);
}

absl::StatusOr<DestinationWriter*> ReadPlan::Writer(const BatchHeader& header) {
  std::unique_ptr<DestinationWriter>& writer = writers_[KeyOf(header)];
  if (!writer) {
    PENSTOCK_ASSIGN_OR_RETURN(writer, MakeWriter(sync_, connector_, *connection_, header));
  }
  return writer.get();
}

absl::StatusOr<std::unique_ptr<DestinationWriter>> MakeWriter(const Sync& sync,
                                                              const Connector& connector,
                                                              const Connection& connection,
                                                              const BatchHeader& header) {
  if (connection.postgres) {
    return PostgresWriter::Make(connection.postgres, TargetOf(sync, header));
  }
  const OperationSpec* spec = FindOperation(connector, sync.object, header.operation);
  if (spec == nullptr) {
    return Error(ErrorCode::kINVALID_RESOURCE,
                 absl::StrCat("connector \"", connector.meta.name, "\" has no operation ",
                              Absl(Name(header.operation)), " for object \"", sync.object, "\""));
  }
  const HttpWriterSpec writer{.base_url = connection.settings.base_url,
                              .operation = header.operation,
                              .spec = *spec,
                              .normalise = NormaliseOf(connector, sync),
                              .context = {.object = sync.object,
                                          .fields = header.fields,
                                          .identity_fields = header.identity_fields,
                                          .options = sync.options,
                                          .config = connection.settings.config}};
  return HttpWriter::Make(writer, *connection.http, *connection.auth, Clock::System());
}

}  // namespace penstock::loader
