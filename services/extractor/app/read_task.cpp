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

// Puts what the diff emits into batches, or only what names it.
class BatchSink final : public DiffSink {
 public:
  BatchSink(BatchWriter& writer, bool with_values) : writer_(writer), with_values_(with_values) {}

  absl::Status Emit(const Intent& intent, std::string_view label, const RenderedRecord& record,
                    bool /*known*/) override {
    BatchBuilder& batch = writer_.Begin(intent, label, with_values_ ? record.bytes() : 0);
    for (size_t field = 0; with_values_ && field < record.size(); ++field) {
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
  const bool with_values_;
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

// Has state settle the held batches as they are: the destination is taken to hold them. Returns how
// many records they have.
absl::StatusOr<int64_t> AdoptHeld(TaskContext& context, TaskSession& session,
                                  const ModelRead& read) {
  PENSTOCK_ASSIGN_OR_RETURN(std::unique_ptr<Spool> empty, context.OpenSpool());
  const std::unique_ptr<Spool> held = session.TakeSpool(std::move(empty));
  int64_t records = 0;
  for (uint32_t number = 1; number <= held->appended(); ++number) {
    PENSTOCK_ASSIGN_OR_RETURN(const std::string encoded, held->Take());
    PENSTOCK_ASSIGN_OR_RETURN(const Batch batch, Batch::Decode(encoded));
    pb::AdoptRecordsRequest request;
    request.set_task_id(context.task().task_id());
    request.set_fence(context.task().fence());
    request.set_number(number);
    request.set_operation(static_cast<uint32_t>(batch.header().operation));
    request.set_records(batch.size());
    request.set_keeps_identity(batch.header().keeps_identity);
    request.set_intents(std::string(batch.packed_intents()));
    PENSTOCK_RETURN_IF_ERROR(context.workshop().state.AdoptRecords(request));
    records += batch.size();
    session.SetRows(read.Counts(/*whole=*/false));  // a sign of life
    PENSTOCK_RETURN_IF_ERROR(session.status());
  }
  return records;
}

}  // namespace

absl::StatusOr<Feeding> RunReadTask(TaskContext& context) {
  PENSTOCK_ASSIGN_OR_RETURN(std::unique_ptr<TaskSession> session, context.OpenSession());
  PENSTOCK_ASSIGN_OR_RETURN(const std::unique_ptr<ModelRead> read, ModelRead::Open(context));
  const Program& program = read->program();
  PENSTOCK_RETURN_IF_ERROR(session->Open(program.recipe, program.identity_fingerprint));
  const bool adopts = context.task().adopts();
  // Where nothing keeps the identity unique, batches wait until duplicates are known.
  const bool holds = adopts || !program.identity_is_unique;
  session->Hold(holds);

  const Operation operation = OperationFor(context.sync().mode);
  PENSTOCK_ASSIGN_OR_RETURN(const BatchLimits limits, context.LimitsOf(operation));
  BatchWriter writer(*session,
                     LayoutOf(context.task(), operation, program.encoding, program.keeps_identity,
                              adopts ? std::vector<BatchField>() : program.batch_fields,
                              adopts ? std::vector<uint16_t>() : program.identity),
                     limits);
  BatchSink sink(writer, /*with_values=*/!adopts);
  PENSTOCK_RETURN_IF_ERROR(read->Run(*session, sink));
  writer.Flush();
  if (holds && !read->differ().filter().empty()) {
    PENSTOCK_RETURN_IF_ERROR(
        DropDuplicates(context, *session, read->differ().filter(), writer, sink));
  }
  int64_t kept = 0;  // of the changed records
  if (adopts) {
    PENSTOCK_ASSIGN_OR_RETURN(kept, AdoptHeld(context, *session, *read));
  }

  PENSTOCK_TESTPOINT("extractor.before_end_read");
  pb::ReadSummary summary;
  summary.set_task_id(context.task().task_id());
  summary.set_fence(context.task().fence());
  *summary.mutable_announced() = session->Announced();
  for (const pb::OperationCount& count : summary.announced().records()) kept += count.records();
  const auto changed = static_cast<int64_t>(read->differ().counters().changed);
  *summary.mutable_rows() = read->Counts(/*whole=*/changed == kept);
  if (changed > kept) {
    pb::OperationCount& truncated = *summary.add_truncated();
    truncated.set_operation(static_cast<uint32_t>(operation));
    truncated.set_records(changed - kept);
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
