#include "absl/strings/str_cat.h"
#include "services/common/convert/run_error.h"
#include "services/common/core/bytes.h"
#include "services/common/core/status.h"
#include "services/extractor/app/batch_writer.h"
#include "services/extractor/app/model_read.h"
#include "services/extractor/app/tasks.h"
#include "services/extractor/domain/diff/removals.h"

namespace penstock::extractor {
namespace {

// What the guard says to people, or nothing when it lets removals pass.
std::optional<penstock::v1::RunError> GuardWords(TaskContext& context,
                                                 const RemovalCounts& counts) {
  if (context.task().removes_all()) return std::nullopt;
  const auto rows_read = static_cast<uint64_t>(context.task().rows().rows_read());
  const GuardVerdict verdict = JudgeRemovals(context.sync().guard, counts, rows_read);
  if (counts.removed == 0 || verdict == GuardVerdict::kPass) return std::nullopt;
  const bool empty = verdict == GuardVerdict::kEmptyModel;
  if (!empty && context.task().allow_removals()) return std::nullopt;
  if (empty) {
    return RunErrorOf(ErrorCode::kMODEL_EMPTY,
                      absl::StrCat("the model is empty, so none of the ", counts.known,
                                   " delivered rows was removed; see whether it should be"));
  }
  return RunErrorOf(
      ErrorCode::kMAX_REMOVED_EXCEEDED,
      absl::StrCat(counts.removed, " of ", counts.known,
                   " delivered rows left the model, more than guard.max_removed allows, so none "
                   "was removed; if that is right: penstock trigger ",
                   context.sync().meta.name, " --allow-removals"));
}

absl::Status EmitRemovals(TaskContext& context, TaskSession& session, const Program& program,
                          const ModelRead& read, std::string_view seen) {
  PENSTOCK_ASSIGN_OR_RETURN(const BatchLimits limits, context.LimitsOf(Operation::kRemove));
  std::vector<uint16_t> identity_fields;
  for (uint16_t i = 0; i < program.identity_batch_fields.size(); ++i) identity_fields.push_back(i);
  BatchWriter writer(
      session,
      LayoutOf(context.task(), Operation::kRemove, program.encoding, /*keeps_identity=*/true,
               program.identity_batch_fields, identity_fields),
      limits);
  const uint64_t emission = EmissionOf(context.run(), context.task().read());
  PENSTOCK_RETURN_IF_ERROR(
      ForEachRemoval(read.index(), read.deferrals(), seen, [&](const Entry& entry) -> absl::Status {
        const Intent intent{.key = entry.key,
                            .row = entry.row,
                            .emission = entry.in_doubt ? entry.emission : emission,
                            .primary_key = entry.primary_key,
                            .identity = entry.identity};
        BatchBuilder& batch = writer.Begin(intent, "", entry.identity.size());
        ByteReader slices(entry.identity);
        for (size_t i = 0; i < program.identity_batch_fields.size(); ++i)
          batch.AddValue(slices.Bytes());
        return session.status();
      }));
  writer.Flush();
  if (writer.dropped() == 0) return absl::OkStatus();
  return Error(ErrorCode::kSPOOL_FULL,
               "the spool has no room for the removals; a new read follows");
}

// What left an append's model is only forgotten: when it comes back, it is a new event. An empty
// model says nothing: it may be broken.
absl::Status Forget(TaskContext& context, TaskSession& session, const ModelRead& read,
                    std::string_view seen) {
  if (context.task().rows().rows_read() == 0) return absl::OkStatus();
  BatchWriter writer(session,
                     AdoptedLayoutOf(context.task(), Operation::kForget, /*keeps_identity=*/false),
                     kAdoptedLimits);
  PENSTOCK_RETURN_IF_ERROR(
      ForEachRemoval(read.index(), read.deferrals(), seen, [&](const Entry& entry) {
        writer.Begin({.key = entry.key, .row = entry.row}, "", 0);
        return session.status();
      }));
  writer.Flush();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Feeding> RunRemovalTask(TaskContext& context) {
  PENSTOCK_ASSIGN_OR_RETURN(std::unique_ptr<TaskSession> session, context.OpenSession());
  PENSTOCK_ASSIGN_OR_RETURN(const std::unique_ptr<ModelRead> read, ModelRead::Open(context));
  PENSTOCK_ASSIGN_OR_RETURN(std::string seen, context.workshop().state.ReadSeen(
                                                  context.task().run_id(), context.task().read()));
  // An empty snapshot has an empty bitmap; any other length would be of another manifest.
  if (seen.size() != (read->index().ordinals() + 7) / 8) {
    return Error(ErrorCode::kDATA_CORRUPT, "the bitmap of the read is not of this snapshot");
  }
  PENSTOCK_RETURN_IF_ERROR(session->Open(0, 0));
  session->Hold(true);
  const bool forgets = context.sync().mode == Mode::kAppend;
  if (forgets) PENSTOCK_RETURN_IF_ERROR(Forget(context, *session, *read, seen));
  const RemovalCounts counts =
      forgets ? RemovalCounts() : CountRemovals(read->index(), read->deferrals(), seen);
  const auto guard = GuardWords(context, counts);
  if (!forgets && !guard.has_value())
    PENSTOCK_RETURN_IF_ERROR(EmitRemovals(context, *session, read->program(), *read, seen));
  session->Hold(false);

  Feeding feeding{.session = std::move(session), .complete = {}};
  pb::CompleteTaskRequest& complete = feeding.complete;
  complete.set_task_id(context.task().task_id());
  complete.set_fence(context.task().fence());
  complete.set_removals_deferred(static_cast<int64_t>(counts.deferred));
  if (guard.has_value()) {
    complete.set_removals_withheld(static_cast<int64_t>(counts.removed));
    *complete.mutable_guard() = *guard;
  }
  return feeding;
}

}  // namespace penstock::extractor
