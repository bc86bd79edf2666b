#pragma once

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "penstock/internal/v1/extraction.pb.h"
#include "services/common/config/secrets.h"
#include "services/common/model/resources.h"
#include "services/common/obs/metrics.h"
#include "services/common/queue/work_queue.h"
#include "services/extractor/app/extractor_settings.h"
#include "services/extractor/app/segment_cache.h"
#include "services/extractor/app/spool.h"
#include "services/extractor/app/state_client.h"
#include "services/extractor/app/task_session.h"
#include "services/extractor/domain/mapping/program.h"
#include "services/extractor/domain/warehouse.h"

namespace penstock::extractor {

// What all tasks of a process share.
struct Workshop {
  const ExtractorSettings& settings;
  StateClient& state;
  WorkQueue& queue;
  SegmentCache& cache;
  SpoolBudget& spool_budget;
  Metrics& metrics;
  Secrets secrets;
  boost::asio::io_context& io;
};

// The object that a Sync writes to: the connector's, with what the Destination declares inline.
// RESOURCE_NOT_FOUND.
absl::StatusOr<ObjectSpec> ObjectOf(const Connector& connector, const Destination& destination,
                                    const std::string& object);

// A task with its resources as plain data, and a folder of its own that goes with it.
class TaskContext {
 public:
  static absl::StatusOr<std::unique_ptr<TaskContext>> Make(Workshop& workshop, pb::Task task);
  ~TaskContext();

  const pb::Task& task() const { return task_; }
  Workshop& workshop() { return workshop_; }
  const Model& model() const { return model_; }
  const Sync& sync() const { return sync_; }
  const Connector& connector() const { return connector_; }
  const std::filesystem::path& directory() const { return directory_; }
  Uuid run() const { return Uuid::FromRaw(task_.run_id()); }

  // The limits of an operation's batches; NOT_SUPPORTED_YET when the object doesn't have it.
  absl::StatusOr<BatchLimits> LimitsOf(Operation operation) const;
  // The mapping compiled against the model as the warehouse has it now.
  absl::StatusOr<Program> CompileMapping(const ModelDescription& description) const;
  // The mapping that delivered most rows before, where unchanged ones are to be taken over from it;
  // nullopt when they can't be, for it no longer fits the model.
  std::optional<Program> CompileOlderMapping(const ModelDescription& description) const;
  // The row that alone is wanted; empty: all.
  RowKey key() const { return {task_.key().begin(), task_.key().end()}; }
  // Not all that has changed is wanted, so nothing is removed.
  bool IsPartial() const { return task_.limit() > 0 || !task_.key().empty(); }
  absl::StatusOr<std::unique_ptr<Warehouse>> OpenWarehouse() const;
  absl::StatusOr<std::unique_ptr<TaskSession>> OpenSession();
  absl::StatusOr<std::unique_ptr<Spool>> OpenSpool();

 private:
  TaskContext(Workshop& workshop, pb::Task task);

  Workshop& workshop_;
  const pb::Task task_;
  Source source_;
  Model model_;
  Sync sync_;
  Connector connector_;
  ObjectSpec object_;
  std::filesystem::path directory_;
};

// How a mapping is compiled for a Sync; also for checks before it is applied.
CompileResult CompileFor(const Sync& sync, const Model& model, const ModelDescription& description,
                         const Source& source, const Connector& connector, const ObjectSpec& object,
                         const Secrets& secrets);

// A snapshot's epoch is part of its recipes: after a reset every row counts as changed, while its
// key stays known.
uint64_t RecipeOfEpoch(uint64_t recipe, uint64_t epoch);

// A connection to the Source, its references to secrets resolved.
absl::StatusOr<std::unique_ptr<Warehouse>> OpenWarehouse(const Source& source,
                                                         const Secrets& secrets);

}  // namespace penstock::extractor
