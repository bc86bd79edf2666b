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

// The batches of a read by what becomes of them.
struct ReadBatches {
  BatchWriter sent;
  BatchWriter adopted;  // taken as delivered

  BatchWriter& Of(Disposal disposal) { return disposal == Disposal::kSend ? sent : adopted; }
  void Flush() {
    sent.Flush();
    adopted.Flush();
  }
};

// Puts what the diff emits into batches.
class BatchSink final : public DiffSink {
 public:
  explicit BatchSink(ReadBatches& batches) : batches_(batches) {}

  absl::Status Emit(const Intent& intent, std::string_view label, const RenderedRecord& record,
                    Disposal disposal) override {
    const size_t fields = disposal == Disposal::kSend ? record.size() : 0;
    BatchBuilder& batch =
        batches_.Of(disposal).Begin(intent, label, fields == 0 ? 0 : record.bytes());
    AddValues(batch, fields, [&](size_t field) { return record.slice(field); });
    return absl::OkStatus();
  }

  absl::Status Invalid(std::string_view label, const ValueError& error) override {
    if (problems_.size() < kMaxListedProblems) problems_.push_back(ProblemOf(label, error));
    return absl::OkStatus();
  }

  std::vector<pb::RecordProblem> TakeProblems() { return std::exchange(problems_, {}); }

 private:
  ReadBatches& batches_;
  std::vector<pb::RecordProblem> problems_;
};

// Writes the held batches anew without the records of duplicate identities, and of equal copies all
// but one.
absl::Status DropDuplicates(TaskContext& context, TaskSession& session, KeyFilter& filter,
                            ReadBatches& batches, DiffSink& problems) {
  PENSTOCK_ASSIGN_OR_RETURN(std::unique_ptr<Spool> empty, context.OpenSpool());
  const std::unique_ptr<Spool> held = session.TakeSpool(std::move(empty));
  for (uint32_t i = 0; i < held->appended(); ++i) {
    PENSTOCK_ASSIGN_OR_RETURN(const std::string encoded, held->Take());
    PENSTOCK_ASSIGN_OR_RETURN(const Batch batch, Batch::Decode(encoded));
    BatchWriter& writer = batches.Of(batch.header().adopted ? Disposal::kAdopt : Disposal::kSend);
    for (uint32_t record = 0; record < batch.size(); ++record) {
      const KeyFilter::Verdict verdict = filter.Judge(batch.intent(record).key);
      if (verdict == KeyFilter::Verdict::kDuplicate) {
        PENSTOCK_RETURN_IF_ERROR(problems.Invalid(batch.label(record), DuplicateIdentity()));
      }
      if (verdict != KeyFilter::Verdict::kSend) continue;
      AddValues(writer.Begin(batch.intent(record), batch.label(record), 0),
                batch.header().fields.size(),
                [&](size_t field) { return batch.value(record, static_cast<uint16_t>(field)); });
    }
    PENSTOCK_RETURN_IF_ERROR(session.status());
  }
  batches.Flush();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Feeding> RunReadTask(TaskContext& context) {
  PENSTOCK_ASSIGN_OR_RETURN(std::unique_ptr<TaskSession> session, context.OpenSession());
  PENSTOCK_ASSIGN_OR_RETURN(const std::unique_ptr<ModelRead> read, ModelRead::Open(context));
  const Program& program = read->program();
  PENSTOCK_RETURN_IF_ERROR(session->Open(program.recipe, program.identity_fingerprint));
  // Where nothing keeps keys unique, batches wait until duplicates are known; and where much may
  // not have changed, until it is known how much has.
  session->Hold(!program.key_is_unique || context.sync().guard.max_changed.has_value());

  const Operation operation = OperationFor(context.sync().mode);
  PENSTOCK_ASSIGN_OR_RETURN(const BatchLimits limits, context.LimitsOf(operation));
  ReadBatches batches{
      .sent = {*session,
               LayoutOf(context.task(), operation, program.encoding, program.keeps_identity,
                        program.batch_fields, program.identity),
               limits},
      .adopted = {*session, AdoptedLayoutOf(context.task(), operation, program.keeps_identity),
                  kAdoptedLimits}};
  BatchSink sink(batches);
  PENSTOCK_RETURN_IF_ERROR(read->Run(*session, sink));
  batches.Flush();
  if (!read->differ().filter().empty()) {
    PENSTOCK_RETURN_IF_ERROR(
        DropDuplicates(context, *session, read->differ().filter(), batches, sink));
  }

  PENSTOCK_TESTPOINT("extractor.before_end_read");
  pb::ReadSummary summary;
  summary.set_task_id(context.task().task_id());
  summary.set_fence(context.task().fence());
  *summary.mutable_announced() = session->Announced();
  int64_t kept = 0;  // of the changed records
  for (const pb::OperationCount& count : summary.announced().records()) kept += count.records();
  const auto changed = static_cast<int64_t>(read->differ().counters().changed);
  *summary.mutable_rows() = read->Counts(/*whole=*/changed == kept);
  if (changed > kept) {
    pb::OperationCount& truncated = *summary.add_truncated();
    truncated.set_operation(static_cast<uint32_t>(operation));
    truncated.set_records(changed - kept);
  }
  for (penstock::v1::RunError& notice : read->Notices()) *summary.add_notices() = std::move(notice);
  summary.set_ordinals(read->index().ordinals());
  // Only a read after which something is removed or forgotten needs its bitmap again.
  const bool removes = program.keeps_identity || context.sync().mode == Mode::kAppend;
  const std::string_view bitmap =
      removes ? std::string_view(read->differ().seen()) : std::string_view();
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
