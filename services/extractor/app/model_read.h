#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "services/extractor/app/segment_cache.h"
#include "services/extractor/app/task_context.h"
#include "services/extractor/domain/diff/differ.h"
#include "services/extractor/domain/mapping/mapper.h"
#include "services/extractor/domain/mapping/older_recipe.h"

namespace penstock::extractor {

// One pass over a model against the snapshot that its task pinned: what a read and a plan have in
// common.
class ModelRead {
 public:
  // Opens warehouse and segments, compiles the mapping. `context` must outlive it.
  static absl::StatusOr<std::unique_ptr<ModelRead>> Open(TaskContext& context);

  const Program& program() const { return program_; }
  const SnapshotIndex& index() const { return *index_; }
  const DeferralIndex& deferrals() const { return *deferrals_; }

  // Reads the model through the diff into `sink`. Ends early when the session is over.
  // MAX_CHANGED_EXCEEDED when more has changed than the Sync's guard allows: nothing of it may be
  // sent.
  absl::Status Run(TaskSession& session, DiffSink& sink);
  // All after Run.
  Differ& differ() { return *differ_; }
  penstock::v1::ReadCounts Counts(bool whole) const;
  // What people should know although the run goes on.
  std::vector<penstock::v1::RunError> Notices() const;
  // What became of the row of the task's key.
  absl::StatusOr<pb::ExplainedRow> Explain();

 private:
  explicit ModelRead(TaskContext& context) : context_(context) {}
  // What a read and the look at one of its rows have in common.
  DifferOptions Options();
  absl::Status FindWantedRow();
  // One query of the warehouse, counted.
  absl::Status Query(const RowKey& key, const RowBlockHandler& handler);
  absl::Status ReadRows(TaskSession& session);
  absl::Status CheckChanged() const;
  void ExplainKey(const Hash128& key, pb::ExplainedRow& out);
  uint64_t SegmentIdOf(const EntryPosition& at) const;

  TaskContext& context_;
  std::unique_ptr<Warehouse> warehouse_;
  Program program_;
  std::vector<SelectColumn> select_;  // what the program reads, and the older recipe
  std::optional<OlderRecipe> older_;
  MappedLevels levels_, deferral_levels_;
  std::optional<SnapshotIndex> index_;
  std::optional<DeferralIndex> deferrals_;
  std::optional<Mapper> mapper_;
  std::optional<KeptRow> wanted_;  // the row of the task's key, if the model has it
  std::optional<Differ> differ_;
};

// Why none of several rows with one identity is sent.
ValueError DuplicateIdentity();
// A row that can't be sent, for the list of rejected records.
pb::RecordProblem ProblemOf(std::string_view label, const ValueError& error);

// Sends the end of a read to state: summary, bitmap, problems and samples.
absl::Status SendEndRead(StateClient& state, const pb::ReadSummary& summary,
                         std::string_view bitmap, std::vector<pb::RecordProblem> invalid,
                         std::vector<pb::PlanSample> samples);

}  // namespace penstock::extractor
