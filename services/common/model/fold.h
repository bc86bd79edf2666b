#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "services/common/model/batch.h"
#include "services/common/model/operation.h"
#include "services/common/model/snapshot.h"

// Folds what batches did into entries of the snapshot (docs/formats.md, "Outcomes").
namespace penstock {

// What a record that was begun leaves in the snapshot, or nullopt: nothing, so the older entry
// shows again. `outcome` is the packed byte; `unanswered`: an attempt of its batch went unanswered
// for this record.
std::optional<Entry> FoldRecord(Operation operation, const Intent& intent, uint8_t outcome,
                                bool unanswered);

// A begun batch as state stores it.
struct BegunBatch {
  Operation operation = Operation::kUpsert;
  uint32_t records = 0;
  bool keeps_identity = false;
  std::string_view intents;     // packed
  std::string_view outcomes;    // a byte a record; shorter: the rest is pending
  std::string_view unanswered;  // a bit a record; shorter: the rest is zero
};

// Collects the entries of batches and gives them as sorted segments, each key once. Batches are
// added in the order of their reads (a later read's record of a key replaces an earlier one's); the
// order inside of a read is free, for a key is in at most one record of a read. Holds about bytes()
// of memory: the caller finishes when that reaches the size of a run. Not thread-safe.
class Folder {
 public:
  explicit Folder(const SegmentHeader& layout) : layout_(layout) {}

  // DATA_CORRUPT when the intents are not those of `records` records; nothing is added then.
  absl::Status Add(const BegunBatch& batch);
  size_t bytes() const { return entries_.size() * sizeof(Held) + identities_.size(); }

  // Gives the segments of one level in ascending order and starts anew. Gives none when nothing
  // was folded. Returns the first error of `emit`.
  absl::Status Finish(size_t max_segment_bytes, const SegmentSink& emit);

 private:
  // An entry whose identity lies in identities_.
  struct Held {
    Entry entry;
    size_t identity_at;
  };

  SegmentHeader layout_;
  std::vector<Held> entries_;
  std::string identities_;
};

}  // namespace penstock
