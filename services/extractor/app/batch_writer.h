#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "services/common/model/batch.h"
#include "services/common/model/resources.h"
#include "services/extractor/app/task_session.h"

namespace penstock::extractor {

// Cuts a task's records of one operation into batches within the destination's limits and appends
// them to the session's spool. When the spool is full, records are dropped and counted: the run
// withdraws them. One thread.
class BatchWriter {
 public:
  // `layout` names run, read, task, operation and fields; the numbers follow. `session` must
  // outlive it.
  BatchWriter(TaskSession& session, BatchHeader layout, const BatchLimits& limits);

  // Makes room for a record of about so many bytes, then takes it: BeginRecord, the values, as
  // BatchBuilder says.
  BatchBuilder& Begin(const Intent& intent, std::string_view label, size_t bytes);
  // Ends the last batch.
  void Flush();
  // Records that found no room in the spool.
  int64_t dropped() const { return dropped_; }

 private:
  TaskSession& session_;
  BatchHeader layout_;
  const BatchLimits limits_;
  BatchBuilder builder_;
  int64_t dropped_ = 0;
};

// Adds the values of a record that has been begun: `slice_of(i)` is the i-th of `fields` slices,
// nullopt where it is absent.
template <typename SliceOf>
void AddValues(BatchBuilder& batch, size_t fields, SliceOf slice_of) {
  for (size_t field = 0; field < fields; ++field) {
    if (const auto slice = slice_of(field)) {
      batch.AddValue(*slice);
    } else {
      batch.AddAbsent();
    }
  }
}

// The layout of a task's batches of one operation.
BatchHeader LayoutOf(const pb::Task& task, Operation operation, Encoding encoding,
                     bool keeps_identity, std::vector<BatchField> fields,
                     std::vector<uint16_t> identity_fields);
// The same of records that are taken as delivered: what names them, and no values.
BatchHeader AdoptedLayoutOf(const pb::Task& task, Operation operation, bool keeps_identity);
// They are limited by the message that brings them to state alone.
inline constexpr BatchLimits kAdoptedLimits = {.max_records = 50'000};

}  // namespace penstock::extractor
