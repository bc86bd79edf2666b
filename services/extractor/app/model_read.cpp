#include "services/extractor/app/model_read.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/convert/run_error.h"
#include "services/common/core/status.h"
#include "services/common/model/batch.h"
#include "services/common/model/key_bytes.h"
#include "services/extractor/app/extractor_metrics.h"

namespace penstock::extractor {
namespace {

constexpr size_t kBitmapPiece = 1 << 20;
constexpr size_t kProblemsPerMessage = 500;
// Of fewer rows than this most may change without anybody wondering.
constexpr uint64_t kFewRows = 100;

}  // namespace

absl::StatusOr<std::unique_ptr<ModelRead>> ModelRead::Open(TaskContext& context) {
  std::unique_ptr<ModelRead> read(new ModelRead(context));
  const pb::Snapshot& snapshot = context.task().snapshot();
  PENSTOCK_ASSIGN_OR_RETURN(read->warehouse_, context.OpenWarehouse());
  PENSTOCK_ASSIGN_OR_RETURN(const ModelDescription description,
                            read->warehouse_->Describe(context.model()));
  PENSTOCK_ASSIGN_OR_RETURN(read->program_, context.CompileMapping(description));
  read->program_.keeps_identity = snapshot.keeps_identity();
  read->select_ = read->program_.select;
  std::optional<Program> older = context.CompileOlderMapping(description);
  if (older.has_value() && older->recipe != read->program_.recipe)
    read->older_.emplace(*std::move(older), read->select_, snapshot.seed());
  PENSTOCK_ASSIGN_OR_RETURN(read->levels_, context.workshop().cache.Get(snapshot.levels()));
  // Who removes all, or tries again what was refused, means that too.
  if (!context.task().removes_all() && !context.task().retries_rejected()) {
    PENSTOCK_ASSIGN_OR_RETURN(read->deferral_levels_,
                              context.workshop().cache.Get(snapshot.deferrals()));
  }
  read->index_.emplace(ViewsOf(read->levels_));
  read->deferrals_.emplace(ViewsOf(read->deferral_levels_), read->program_.recipe,
                           context.task().now_us());
  read->mapper_.emplace(read->program_, snapshot.seed());
  return read;
}

DifferOptions ModelRead::Options() {
  const Sync& sync = context_.sync();
  const bool each_once =
      sync.mode == Mode::kAppend && sync.on_change.value_or(OnChange::kIgnore) == OnChange::kIgnore;
  return {.emission = EmissionOf(context_.run(), context_.task().read()),
          .insert_only = sync.mode == Mode::kInsert || each_once,
          .adopts = context_.task().adopts(),
          .at_most_once = sync.delivery.guarantee == Guarantee::kAtMostOnce &&
                          !context_.task().retries_rejected(),
          .older = older_.has_value() ? &*older_ : nullptr,
          .spill_directory = context_.directory()};
}

absl::Status ModelRead::Run(TaskSession& session, DiffSink& sink) {
  DifferOptions options = Options();
  if (context_.task().limit() > 0) options.limit = context_.task().limit();
  if (!context_.key().empty()) {
    PENSTOCK_RETURN_IF_ERROR(FindWantedRow());
    options.only.emplace();
    if (wanted_.has_value()) options.only->push_back(mapper_->PrimaryKeyHash(wanted_->row()));
  }
  differ_.emplace(program_, *mapper_, *index_, *deferrals_, std::move(options), sink);
  if (!context_.task().removes_all()) PENSTOCK_RETURN_IF_ERROR(ReadRows(session));
  PENSTOCK_RETURN_IF_ERROR(differ_->Finish());
  session.SetRows(Counts(/*whole=*/false));
  return CheckChanged();
}

absl::Status ModelRead::FindWantedRow() {
  return Query(context_.key(), [&](std::span<const RawRow> rows) -> absl::Status {
    if (!wanted_.has_value()) wanted_.emplace(rows.front());
    return absl::OkStatus();
  });
}

absl::Status ModelRead::Query(const RowKey& key, const RowBlockHandler& handler) {
  const BootTime begun = BootClock::now();
  const uint64_t bytes_before = warehouse_->BytesRead();
  absl::Status status = warehouse_->Read(context_.model(), select_, key, handler);
  CountQuery(context_.workshop().metrics, context_.model().source,
             warehouse_->BytesRead() - bytes_before, BootClock::now() - begun);
  return status;
}

absl::Status ModelRead::ReadRows(TaskSession& session) {
  // Whether another row has the same identity is seen only among all rows.
  const RowKey key = program_.key_is_unique ? context_.key() : RowKey();
  session.SetWaiting(true);
  PENSTOCK_RETURN_IF_ERROR(Query(key, [&](std::span<const RawRow> rows) -> absl::Status {
    PENSTOCK_RETURN_IF_ERROR(differ_->Add(rows));
    session.SetRows(Counts(/*whole=*/false));
    return session.status();
  }));
  session.SetWaiting(false);
  return absl::OkStatus();
}

absl::Status ModelRead::CheckChanged() const {
  const std::optional<double> most = context_.sync().guard.max_changed;
  const ReadCounters& counters = differ_->counters();
  if (!most.has_value() ||
      static_cast<double>(counters.known_changed) <= *most * static_cast<double>(counters.known))
    return absl::OkStatus();
  return Error(
      ErrorCode::kMAX_CHANGED_EXCEEDED,
      absl::StrCat(counters.known_changed, " of ", counters.known,
                   " delivered rows have changed, more than guard.max_changed allows, so nothing "
                   "was sent; if that is right: penstock trigger ",
                   context_.sync().meta.name, " --full-resync"));
}

std::vector<penstock::v1::RunError> ModelRead::Notices() const {
  const ReadCounters& counters = differ_->counters();
  if (counters.known < kFewRows || counters.known_changed * 2 <= counters.known) return {};
  return {RunErrorOf(
      ErrorCode::kMANY_ROWS_CHANGED,
      absl::StrCat(counters.known_changed, " of ", counters.known,
                   " delivered rows have changed since the last run, under the same mapping; if "
                   "they should not have, a mapped column is volatile: now() or random(), an "
                   "aggregate without ORDER BY, a sum of floats"))};
}

penstock::v1::ReadCounts ModelRead::Counts(bool whole) const {
  const ReadCounters& from = differ_->counters();
  penstock::v1::ReadCounts counts;
  counts.set_rows_read(static_cast<int64_t>(from.rows_read));
  counts.set_unchanged(static_cast<int64_t>(from.unchanged));
  counts.set_deferred(static_cast<int64_t>(from.deferred));
  counts.set_invalid(static_cast<int64_t>(from.invalid));
  counts.set_skipped(static_cast<int64_t>(from.skipped));
  counts.set_copies(static_cast<int64_t>(from.copies));
  counts.set_changed(static_cast<int64_t>(from.changed));
  counts.set_whole(whole);
  return counts;
}

namespace {

// What the diff says of one row.
class OneRow final : public DiffSink {
 public:
  absl::Status Emit(const Intent& /*intent*/, std::string_view label,
                    const RenderedRecord& /*record*/, Disposal disposal) override {
    label_ = label;
    sent_ = disposal == Disposal::kSend;
    return absl::OkStatus();
  }
  absl::Status Invalid(std::string_view label, const ValueError& error) override {
    label_ = label;
    problem_ = error;
    return absl::OkStatus();
  }

  penstock::v1::Verdict VerdictBy(const ReadCounters& counters) const {
    if (counters.invalid > 0) return penstock::v1::VERDICT_INVALID;
    if (counters.deferred > 0) return penstock::v1::VERDICT_DEFERRED;
    if (counters.skipped > 0) return penstock::v1::VERDICT_SKIPPED;
    return sent_ ? penstock::v1::VERDICT_SENT : penstock::v1::VERDICT_UNCHANGED;
  }
  const std::optional<ValueError>& problem() const { return problem_; }

 private:
  std::string label_;
  bool sent_ = false;
  std::optional<ValueError> problem_;
};

void SetProblem(const ValueError& error, pb::ExplainedRow& out) {
  out.set_verdict(penstock::v1::VERDICT_INVALID);
  *out.mutable_problem() = RunErrorOf(error.code, error.reason);
}

}  // namespace

absl::StatusOr<pb::ExplainedRow> ModelRead::Explain() {
  pb::ExplainedRow out;
  out.set_verdict(penstock::v1::VERDICT_NOT_IN_MODEL);
  if (!wanted_.has_value()) return out;
  const RawRow row = wanted_->row();
  std::string label;
  mapper_->AppendLabel(row, label);
  out.set_primary_key(label);
  OneRow sink;
  Differ one(program_, *mapper_, *index_, *deferrals_, Options(), sink);
  PENSTOCK_RETURN_IF_ERROR(one.Add(std::span(&row, 1)));
  PENSTOCK_RETURN_IF_ERROR(one.Finish());
  out.set_verdict(sink.VerdictBy(one.counters()));
  if (sink.problem().has_value()) SetProblem(*sink.problem(), out);
  Hash128 key;
  if (mapper_->Key(row, key).has_value()) return out;
  ExplainKey(key, out);
  return out;
}

void ModelRead::ExplainKey(const Hash128& key, pb::ExplainedRow& out) {
  out.set_key(KeyBytes(key));
  if (differ_->filter().Judge(key) == KeyFilter::Verdict::kDuplicate)
    SetProblem(DuplicateIdentity(), out);
  EntryPosition at;
  index_->Find(std::span(&key, 1), std::span(&at, 1));
  if (at.found() && !index_->segment(at).tombstone(at.index)) {
    out.set_segment(SegmentIdOf(at));
    out.set_in_doubt(index_->segment(at).in_doubt(at.index));
    out.set_by_other_recipe(index_->segment(at).header().recipe != program_.recipe);
  }
  if (const auto deferral = deferrals_->FindRow(key)) {
    out.set_next_try_us(deferral->next_try_us);
    out.set_tries(deferral->tries);
  }
}

uint64_t ModelRead::SegmentIdOf(const EntryPosition& at) const {
  uint32_t before = 0;
  for (const pb::Level& level : context_.task().snapshot().levels()) {
    for (const pb::Segment& segment : level.segments()) {
      if (before++ == at.segment) return segment.id();
    }
  }
  return 0;
}

ValueError DuplicateIdentity() {
  return {ErrorCode::kIDENTITY_DUPLICATE,
          "another row has the same identity; make the identity unique in the model"};
}

pb::RecordProblem ProblemOf(std::string_view label, const ValueError& error) {
  pb::RecordProblem problem;
  problem.set_primary_key(std::string(label));
  problem.set_code(std::string(Name(error.code)));
  problem.set_message(error.reason);
  return problem;
}

absl::Status SendEndRead(StateClient& state, const pb::ReadSummary& summary,
                         std::string_view bitmap, std::vector<pb::RecordProblem> invalid,
                         std::vector<pb::PlanSample> samples) {
  size_t next_problem = 0, next_sample = 0;
  bool first = true, done = false;
  return state.EndRead([&]() -> std::optional<pb::EndReadRequest> {
    if (done) return std::nullopt;
    pb::EndReadRequest message;
    if (std::exchange(first, false)) *message.mutable_summary() = summary;
    message.set_bitmap(std::string(bitmap.substr(0, kBitmapPiece)));
    bitmap.remove_prefix(message.bitmap().size());
    for (size_t i = 0; i < kProblemsPerMessage && next_problem < invalid.size(); ++i) {
      *message.add_invalid() = std::move(invalid[next_problem++]);
    }
    // A sample holds a few records, each perhaps large: one a message.
    if (next_sample < samples.size()) *message.add_samples() = std::move(samples[next_sample++]);
    done = bitmap.empty() && next_problem == invalid.size() && next_sample == samples.size();
    message.set_last(done);
    return message;
  });
}

}  // namespace penstock::extractor
