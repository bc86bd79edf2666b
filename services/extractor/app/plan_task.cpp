#include <algorithm>
#include <utility>
#include <vector>

#include "services/common/core/bytes.h"
#include "services/common/core/status.h"
#include "services/extractor/app/batch_writer.h"
#include "services/extractor/app/model_read.h"
#include "services/extractor/app/tasks.h"
#include "services/extractor/domain/diff/removals.h"

namespace penstock::extractor {
namespace {

constexpr size_t kMaxListedProblems = 10'000;
// Samples travel in one message each; a large record leaves room for no further one.
constexpr size_t kMaxSampleBytes = 1 << 20;

// Keeps the first records as a sample, as many as are not too large to be shown.
class SampleSink final : public DiffSink {
 public:
  SampleSink(BatchHeader layout, uint32_t max_records)
      : builder_(std::move(layout)), max_records_(max_records) {}

  absl::Status Emit(const Intent& intent, std::string_view label, const RenderedRecord& record,
                    Disposal disposal) override {
    if (disposal == Disposal::kAdopt) return absl::OkStatus();
    ++sent_;
    if (builder_.records() >= max_records_ ||
        builder_.value_bytes() + record.bytes() > kMaxSampleBytes)
      return absl::OkStatus();
    builder_.BeginRecord(intent, label);
    AddValues(builder_, record.size(), [&](size_t field) { return record.slice(field); });
    return absl::OkStatus();
  }

  absl::Status Invalid(std::string_view label, const ValueError& error) override {
    if (problems_.size() < kMaxListedProblems) problems_.push_back(ProblemOf(label, error));
    return absl::OkStatus();
  }

  BatchBuilder& builder() { return builder_; }
  // Records that a run would send, but for duplicates.
  int64_t sent() const { return sent_; }
  std::vector<pb::RecordProblem> TakeProblems() { return std::exchange(problems_, {}); }

 private:
  BatchBuilder builder_;
  const uint32_t max_records_;
  int64_t sent_ = 0;
  std::vector<pb::RecordProblem> problems_;
};

pb::PlanSample SampleOf(Operation operation, int64_t records, BatchBuilder& builder, BatchId id) {
  pb::PlanSample sample;
  sample.set_operation(static_cast<uint32_t>(operation));
  sample.set_records(records);
  if (builder.records() > 0) {
    id.number = 1;
    sample.set_batch(builder.Finish(id));
  }
  return sample;
}

pb::PlanSample RemovalSample(TaskContext& context, ModelRead& read) {
  const Program& program = read.program();
  std::vector<uint16_t> identity_fields;
  for (uint16_t i = 0; i < program.identity_batch_fields.size(); ++i) identity_fields.push_back(i);
  const BatchHeader layout =
      LayoutOf(context.task(), Operation::kRemove, program.encoding, /*keeps_identity=*/true,
               program.identity_batch_fields, identity_fields);
  BatchBuilder builder(layout);
  const RemovalCounts counts = CountRemovals(read.index(), read.deferrals(), read.differ().seen());
  // Ends with the first record too many; the error is only how a visit ends early.
  ForEachRemoval(read.index(), read.deferrals(), read.differ().seen(),
                 [&](const Entry& entry) -> absl::Status {
                   if (builder.records() >= context.task().max_samples())
                     return absl::CancelledError();
                   builder.BeginRecord({.key = entry.key,
                                        .row = entry.row,
                                        .primary_key = entry.primary_key,
                                        .identity = entry.identity},
                                       "");
                   ByteReader slices(entry.identity);
                   for (size_t i = 0; i < program.identity_batch_fields.size(); ++i)
                     builder.AddValue(slices.Bytes());
                   return absl::OkStatus();
                 })
      .IgnoreError();
  return SampleOf(Operation::kRemove, static_cast<int64_t>(counts.removed), builder, layout.id);
}

}  // namespace

absl::Status RunPlanTask(TaskContext& context) {
  PENSTOCK_ASSIGN_OR_RETURN(const std::unique_ptr<TaskSession> session, context.OpenSession());
  PENSTOCK_ASSIGN_OR_RETURN(const std::unique_ptr<ModelRead> read, ModelRead::Open(context));
  const Program& program = read->program();
  PENSTOCK_RETURN_IF_ERROR(session->Open(program.recipe, program.identity_fingerprint));
  const Operation operation = OperationFor(context.sync().mode);
  const BatchHeader layout =
      LayoutOf(context.task(), operation, program.encoding, program.keeps_identity,
               program.batch_fields, program.identity);
  SampleSink sink(layout, context.task().max_samples());
  PENSTOCK_RETURN_IF_ERROR(read->Run(*session, sink));

  pb::ReadSummary summary;
  summary.set_task_id(context.task().task_id());
  summary.set_fence(context.task().fence());
  *summary.mutable_rows() = read->Counts(/*whole=*/true);
  *summary.mutable_announced() = session->Announced();
  std::vector<pb::PlanSample> samples;
  for (penstock::v1::RunError& notice : read->Notices()) *summary.add_notices() = std::move(notice);
  if (!context.key().empty()) {
    PENSTOCK_ASSIGN_OR_RETURN(*summary.mutable_explanation(), read->Explain());
  }
  const auto changed = static_cast<int64_t>(read->differ().counters().changed);
  samples.push_back(SampleOf(operation, std::min(changed, sink.sent()), sink.builder(), layout.id));
  if (context.sync().Removes() && !context.IsPartial())
    samples.push_back(RemovalSample(context, *read));
  PENSTOCK_RETURN_IF_ERROR(
      SendEndRead(context.workshop().state, summary, {}, sink.TakeProblems(), std::move(samples)));
  pb::CompleteTaskRequest complete;
  complete.set_task_id(context.task().task_id());
  complete.set_fence(context.task().fence());
  return context.workshop().state.CompleteTask(complete);
}

}  // namespace penstock::extractor
