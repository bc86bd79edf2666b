#include "services/extractor/app/batch_writer.h"

#include <utility>

#include "services/common/core/testpoint.h"

namespace penstock::extractor {
namespace {

// Of intents and labels: a batch begins with one message to state, far below gRPC's limit.
constexpr size_t kMaxOverhead = 2 << 20;

}  // namespace

BatchWriter::BatchWriter(TaskSession& session, BatchHeader layout, const BatchLimits& limits)
    : session_(session), layout_(std::move(layout)), limits_(limits), builder_(layout_) {}

BatchBuilder& BatchWriter::Begin(const Intent& intent, std::string_view label, size_t bytes) {
  // The limits are tested before a record is added, so that no batch exceeds them.
  if (builder_.records() >= limits_.max_records ||
      (builder_.records() > 0 && (builder_.value_bytes() + bytes > limits_.max_bytes ||
                                  builder_.overhead_bytes() > kMaxOverhead))) {
    Flush();
  }
  builder_.BeginRecord(intent, label);
  return builder_;
}

void BatchWriter::Flush() {
  if (builder_.records() == 0) return;
  const uint32_t records = builder_.records();
  BatchId id = layout_.id;
  id.number = session_.next_number();
  if (!session_.Append(builder_.Finish(id), layout_.operation, records)) dropped_ += records;
  PENSTOCK_TESTPOINT("extractor.mid_read");
}

BatchHeader LayoutOf(const pb::Task& task, Operation operation, Encoding encoding,
                     bool keeps_identity, std::vector<BatchField> fields,
                     std::vector<uint16_t> identity_fields) {
  return {.id = {.run = Uuid::FromRaw(task.run_id()), .read = task.read(), .task = task.task_id()},
          .operation = operation,
          .encoding = encoding,
          .keeps_identity = keeps_identity,
          .fields = std::move(fields),
          .identity_fields = std::move(identity_fields)};
}

BatchHeader AdoptedLayoutOf(const pb::Task& task, Operation operation, bool keeps_identity) {
  BatchHeader layout = LayoutOf(task, operation, Encoding::kJson, keeps_identity, {}, {});
  layout.adopted = true;
  return layout;
}

}  // namespace penstock::extractor
