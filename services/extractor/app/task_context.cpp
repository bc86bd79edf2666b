#include "services/extractor/app/task_context.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/common/convert/resources.h"
#include "services/common/core/bytes.h"
#include "services/common/core/hash.h"
#include "services/common/core/status.h"
#include "services/extractor/sources/postgres/postgres_source.h"

namespace penstock::extractor {

absl::StatusOr<ObjectSpec> ObjectOf(const Connector& connector, const Destination& destination,
                                    const std::string& object) {
  for (const auto* objects : {&destination.objects, &connector.objects}) {
    for (const std::string& name : {object, std::string("*")}) {
      if (const auto it = objects->find(name); it != objects->end()) return it->second;
    }
  }
  return Error(ErrorCode::kRESOURCE_NOT_FOUND, absl::StrCat("the connector \"", connector.meta.name,
                                                            "\" has no object \"", object, "\""));
}

CompileResult CompileFor(const Sync& sync, const Model& model, const ModelDescription& description,
                         const Source& source, const Connector& connector, const ObjectSpec& object,
                         const Secrets& secrets) {
  CompileInput input{.sync = sync,
                     .model = model,
                     .description = description,
                     .timezone = source.timezone,
                     .encoding = connector.encoding,
                     .values = connector.values,
                     .normalise = object.normalise,
                     .secret = [&](const std::string& text) { return secrets.Resolve(text); }};
  if (const auto operation = object.operations.find(OperationFor(sync.mode));
      operation != object.operations.end()) {
    input.max_record_bytes = operation->second.batch.max_bytes;
  }
  return Compile(input);
}

absl::StatusOr<std::unique_ptr<Warehouse>> OpenWarehouse(const Source& source,
                                                         const Secrets& secrets) {
  Source resolved = source;
  PENSTOCK_ASSIGN_OR_RETURN(resolved.config, secrets.Resolve(source.config));
  if (source.connector != "postgres") {
    return Error(ErrorCode::kNOT_SUPPORTED_YET,
                 absl::StrCat("source connector \"", source.connector, "\" is not supported yet"));
  }
  PENSTOCK_ASSIGN_OR_RETURN(std::unique_ptr<Warehouse> warehouse, PostgresSource::Make(resolved));
  return warehouse;
}

uint64_t RecipeOfEpoch(uint64_t recipe, uint64_t epoch) {
  std::string bytes;
  ByteWriter w(bytes);
  w.Int(recipe);
  w.Int(epoch);
  return HashBytes64(bytes);
}

TaskContext::TaskContext(Workshop& workshop, pb::Task task)
    : workshop_(workshop),
      task_(std::move(task)),
      source_(FromProto(task_.source())),
      model_(FromProto(task_.model())),
      sync_(FromProto(task_.sync())),
      connector_(FromProto(task_.connector())),
      directory_(std::filesystem::path(workshop.settings.work_dir) / "spool" /
                 absl::StrCat(task_.task_id(), "-", task_.fence())) {}

TaskContext::~TaskContext() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

absl::StatusOr<std::unique_ptr<TaskContext>> TaskContext::Make(Workshop& workshop, pb::Task task) {
  std::unique_ptr<TaskContext> context(new TaskContext(workshop, std::move(task)));
  PENSTOCK_ASSIGN_OR_RETURN(context->object_,
                            ObjectOf(context->connector_, FromProto(context->task_.destination()),
                                     context->sync_.object));
  std::error_code failed;
  std::filesystem::create_directories(context->directory_, failed);
  if (failed) {
    return Error(ErrorCode::kSPOOL_FULL, absl::StrCat("the spool ", context->directory_.string(),
                                                      " can't be made: ", failed.message()));
  }
  return context;
}

absl::StatusOr<BatchLimits> TaskContext::LimitsOf(Operation operation) const {
  const auto it = object_.operations.find(operation);
  if (it == object_.operations.end()) {
    return Error(ErrorCode::kNOT_SUPPORTED_YET,
                 absl::StrCat("the object \"", sync_.object, "\" has no operation \"",
                              Absl(Name(operation)), "\""));
  }
  BatchLimits limits = it->second.batch;
  if (sync_.delivery.max_batch_records.has_value()) {
    limits.max_records = std::min(limits.max_records, *sync_.delivery.max_batch_records);
  }
  return limits;
}

absl::StatusOr<Program> TaskContext::CompileMapping(const ModelDescription& description) const {
  CompileResult result =
      CompileFor(sync_, model_, description, source_, connector_, object_, workshop_.secrets);
  if (result.program.has_value()) {
    result.program->recipe = RecipeOfEpoch(result.program->recipe, task_.snapshot().epoch());
    return *std::move(result.program);
  }
  const CompileError& first = result.errors.front();
  return Error(first.code, absl::StrCat("Sync \"", sync_.meta.name, "\", spec.", first.field, ": ",
                                        first.message));
}

std::optional<Program> TaskContext::CompileOlderMapping(const ModelDescription& description) const {
  if (!task_.has_base()) return std::nullopt;
  const Sync sync = FromProto(task_.base().sync());
  const Connector connector = FromProto(task_.base().connector());
  const auto object = ObjectOf(connector, FromProto(task_.destination()), sync.object);
  if (!object.ok()) return std::nullopt;
  CompileResult result = CompileFor(sync, FromProto(task_.base().model()), description, source_,
                                    connector, *object, workshop_.secrets);
  if (!result.program.has_value()) return std::nullopt;
  result.program->recipe = RecipeOfEpoch(result.program->recipe, task_.snapshot().epoch());
  return std::move(result.program);
}

absl::StatusOr<std::unique_ptr<Warehouse>> TaskContext::OpenWarehouse() const {
  return extractor::OpenWarehouse(source_, workshop_.secrets);
}

absl::StatusOr<std::unique_ptr<Spool>> TaskContext::OpenSpool() {
  return Spool::Open(directory_, workshop_.spool_budget);
}

absl::StatusOr<std::unique_ptr<TaskSession>> TaskContext::OpenSession() {
  PENSTOCK_ASSIGN_OR_RETURN(std::unique_ptr<Spool> spool, OpenSpool());
  return std::make_unique<TaskSession>(
      task_,
      TaskSession::Options{.heartbeat = workshop_.settings.heartbeat,
                           .lease = std::chrono::milliseconds(task_.lease_ms())},
      workshop_.state, workshop_.queue, workshop_.io, std::move(spool));
}

}  // namespace penstock::extractor
