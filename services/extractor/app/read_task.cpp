#include <utility>
#include <vector>

#include "services/common/core/status.h"
#include "services/common/core/testpoint.h"
#include "services/extractor/app/batch_writer.h"
#include "services/extractor/app/extractor_metrics.h"
#include "services/extractor/app/model_read.h"
#include "services/extractor/app/tasks.h"

namespace penstock::extractor {
namespace {

constexpr size_t kMaxListedProblems = 10'000;

const ValueError kDuplicate = {
    ErrorCode::kIDENTITY_DUPLICATE,
    "another row has the same identity; make the identity unique in the model"};

// Puts what the diff emits into batches.
class BatchSink final : public DiffSink {
 public:
  explicit BatchSink(BatchWriter& writer) : writer_(writer) {}

  absl::Status Emit(const Intent& intent, std::string_view label, const RenderedRecord& record,
                    bool /*known*/) override {
    BatchBuilder& batch = writer_.Begin(intent, label, record.bytes());
    for (size_t field = 0; field < record.size(); ++field) {
      if (const auto slice = record.slice(field)) {
        batch.AddValue(*slice);
      } else {
        batch.AddAbsent();
      }
    }
    return absl::OkStatus();
  }

  absl::Status Invalid(std::string_view label, const ValueError& error) override {
    if (problems_.size() < kMaxListedProblems) problems_.push_back(ProblemOf(label, error));
    return absl::OkStatus();
  }

  std::vector<pb::RecordProblem> TakeProblems() { return std::exchange(problems_, {}); }

 private:
  BatchWriter& writer_;
  std::vector<pb::RecordProblem> problems_;
};

// Writes the held batches anew without the records of duplicate identities, and of equal copies all
// but one.
absl::Status DropDuplicates(TaskContext& context, TaskSession& session, KeyFilter& filter,
                            BatchWriter& writer, DiffSink& problems) {
  PENSTOCK_ASSIGN_OR_RETURN(std::unique_ptr<Spool> empty, context.OpenSpool());
  const std::unique_ptr<Spool> held = session.TakeSpool(std::move(empty));
  for (uint32_t i = 0; i < held->appended(); ++i) {
    PENSTOCK_ASSIGN_OR_RETURN(const std::string encoded, held->Take());
    PENSTOCK_ASSIGN_OR_RETURN(const Batch batch, Batch::Decode(encoded));
    const auto fields = static_cast<uint16_t>(batch.header().fields.size());
    for (uint32_t record = 0; record < batch.size(); ++record) {
      const KeyFilter::Verdict verdict = filter.Judge(batch.intent(record).key);
      if (verdict == KeyFilter::Verdict::kDuplicate) {
        PENSTOCK_RETURN_IF_ERROR(problems.Invalid(batch.label(record), kDuplicate));
      }
      if (verdict != KeyFilter::Verdict::kSend) continue;
      BatchBuilder& out = writer.Begin(batch.intent(record), batch.label(record), 0);
      for (uint16_t field = 0; field < fields; ++field) {
        if (const auto slice = batch.value(record, field)) {
          out.AddValue(*slice);
        } else {
          out.AddAbsent();
        }
      }
    }
    PENSTOCK_RETURN_IF_ERROR(session.status());
  }
  writer.Flush();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Feeding> RunReadTask(TaskContext& context) {
  PENSTOCK_ASSIGN_OR_RETURN(std::unique_ptr<TaskSession> session, context.OpenSession());
  PENSTOCK_ASSIGN_OR_RETURN(const std::unique_ptr<ModelRead> read, ModelRead::Open(context));
  const Program& program = read->program();
  PENSTOCK_RETURN_IF_ERROR(session->Open(program.recipe, program.identity_fingerprint));
  // Where nothing keeps the identity unique, batches wait until duplicates are known.
  const bool holds = !program.identity_is_unique;
  session->Hold(holds);

  const Operation operation = OperationFor(context.sync().mode);
  PENSTOCK_ASSIGN_OR_RETURN(const BatchLimits limits, context.LimitsOf(operation));
  BatchWriter writer(*session,
                     LayoutOf(context.task(), operation, program.encoding, program.keeps_identity,
                              program.batch_fields, program.identity),
                     limits);
  BatchSink sink(writer);
  PENSTOCK_RETURN_IF_ERROR(read->Run(*session, sink));
  writer.Flush();
  if (holds && !read->differ().filter().empty()) {
    PENSTOCK_RETURN_IF_ERROR(
        DropDuplicates(context, *session, read->differ().filter(), writer, sink));
  }

  PENSTOCK_TESTPOINT("extractor.before_end_read");
  pb::ReadSummary summary;
  summary.set_task_id(context.task().task_id());
  summary.set_fence(context.task().fence());
  *summary.mutable_announced() = session->Announced();
  int64_t announced = 0;
  for (const pb::OperationCount& count : summary.announced().records())
    announced += count.records();
  const auto changed = static_cast<int64_t>(read->differ().counters().changed);
  *summary.mutable_rows() = read->Counts(/*whole=*/changed == announced);
  if (changed > announced) {
    pb::OperationCount& truncated = *summary.add_truncated();
    truncated.set_operation(static_cast<uint32_t>(operation));
    truncated.set_records(changed - announced);
  }
  summary.set_ordinals(read->index().ordinals());
  // Only a read that may remove needs its bitmap again.
  const std::string_view bitmap =
      program.keeps_identity ? std::string_view(read->differ().seen()) : std::string_view();
  PENSTOCK_RETURN_IF_ERROR(
      SendEndRead(context.workshop().state, summary, bitmap, sink.TakeProblems(), {}));
  session->AnnouncedByEndRead();
  CountRows(context.workshop().metrics, context.sync().meta.name, summary.rows());
  PENSTOCK_TESTPOINT("extractor.after_end_read");

  Feeding feeding{.session = std::move(session), .complete = {}};
  feeding.complete.set_task_id(context.task().task_id());
  feeding.complete.set_fence(context.task().fence());
  return feeding;
}

}  // namespace penstock::extractor
