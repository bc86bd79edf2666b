#include "services/extractor/app/model_read.h"

#include <utility>

#include "services/common/core/status.h"
#include "services/common/model/batch.h"

namespace penstock::extractor {
namespace {

constexpr size_t kBitmapPiece = 1 << 20;
constexpr size_t kProblemsPerMessage = 500;

}  // namespace

absl::StatusOr<std::unique_ptr<ModelRead>> ModelRead::Open(TaskContext& context) {
  std::unique_ptr<ModelRead> read(new ModelRead(context));
  const pb::Snapshot& snapshot = context.task().snapshot();
  PENSTOCK_ASSIGN_OR_RETURN(read->warehouse_, context.OpenWarehouse());
  PENSTOCK_ASSIGN_OR_RETURN(const ModelDescription description,
                            read->warehouse_->Describe(context.model()));
  PENSTOCK_ASSIGN_OR_RETURN(read->program_, context.CompileMapping(description));
  read->program_.keeps_identity = snapshot.keeps_identity();
  PENSTOCK_ASSIGN_OR_RETURN(read->levels_, context.workshop().cache.Get(snapshot.levels()));
  // Who removes all means also what was refused before.
  if (!context.task().removes_all()) {
    PENSTOCK_ASSIGN_OR_RETURN(read->deferral_levels_,
                              context.workshop().cache.Get(snapshot.deferrals()));
  }
  read->index_.emplace(ViewsOf(read->levels_));
  read->deferrals_.emplace(ViewsOf(read->deferral_levels_), read->program_.recipe,
                           context.task().now_us());
  read->mapper_.emplace(read->program_, snapshot.seed());
  return read;
}

absl::Status ModelRead::Run(TaskSession& session, DiffSink& sink) {
  differ_.emplace(program_, *mapper_, *index_, *deferrals_,
                  DifferOptions{.emission = EmissionOf(context_.run(), context_.task().read()),
                                .insert_only = context_.sync().mode == Mode::kInsert,
                                .spill_directory = context_.directory()},
                  sink);
  if (!context_.task().removes_all()) PENSTOCK_RETURN_IF_ERROR(ReadRows(session));
  PENSTOCK_RETURN_IF_ERROR(differ_->Finish());
  session.SetRows(Counts(/*whole=*/false));
  return absl::OkStatus();
}

absl::Status ModelRead::ReadRows(TaskSession& session) {
  session.SetWaiting(true);
  PENSTOCK_RETURN_IF_ERROR(warehouse_->Read(context_.model(), program_.select,
                                            [&](std::span<const RawRow> rows) -> absl::Status {
                                              PENSTOCK_RETURN_IF_ERROR(differ_->Add(rows));
                                              session.SetRows(Counts(/*whole=*/false));
                                              return session.status();
                                            }));
  session.SetWaiting(false);
  return absl::OkStatus();
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
