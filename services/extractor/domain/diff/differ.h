#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "services/common/model/batch.h"
#include "services/extractor/domain/diff/deferral_index.h"
#include "services/extractor/domain/diff/key_filter.h"
#include "services/extractor/domain/diff/read_counters.h"
#include "services/extractor/domain/diff/snapshot_index.h"
#include "services/extractor/domain/diff/spill_sorter.h"
#include "services/extractor/domain/mapping/mapper.h"
#include "services/extractor/domain/mapping/older_recipe.h"

namespace penstock {

// What is to be done with a record: it is sent, or the destination is taken to hold it already.
enum class Disposal : uint8_t { kSend, kAdopt };

// Gets what a read found. Views are valid during the call. An error ends the read.
class DiffSink {
 public:
  virtual ~DiffSink() = default;
  // A record that is new, changed or in doubt, or one that another mapping delivered.
  virtual absl::Status Emit(const Intent& intent, std::string_view label,
                            const RenderedRecord& record, Disposal disposal) = 0;
  // A row that can't be sent; `error.reason` names the field, never the value.
  virtual absl::Status Invalid(std::string_view label, const ValueError& error) = 0;
};

struct DifferOptions {
  uint64_t emission = 0;      // of this read (EmissionOf)
  bool insert_only = false;   // changed rows of known keys are not sent
  bool adopts = false;        // what would be sent is taken as delivered
  bool at_most_once = false;  // a row in doubt is not sent again while it is unchanged
  // Rows that are equal by it to what it delivered are taken as delivered by the read's own recipe.
  OlderRecipe* older = nullptr;
  // Of the rows that would be sent only so many are, and only those with one of these hashes of
  // their primary keys (sorted); the others count as skipped.
  std::optional<uint64_t> limit;
  std::optional<std::vector<uint64_t>> only;
  std::filesystem::path spill_directory;
  size_t spill_memory_bytes = 16 << 20;
};

// Finds what changed, from the rows of one read and the snapshot that it pinned. Where the program
// says that the identity is unique, emitted records may be sent at once; otherwise they wait until
// Finish() and then pass filter(). An unchanged row is neither decoded nor copied. One thread.
class Differ {
 public:
  // All but the options must outlive it. `mapper` is made with the snapshot's seed.
  Differ(const Program& program, Mapper& mapper, const SnapshotIndex& index,
         const DeferralIndex& deferrals, DifferOptions options, DiffSink& sink);

  absl::Status Add(std::span<const RawRow> rows);

  // Call when all rows have been added. Settles copies and duplicates in the counters, and protects
  // from removal what rows without a key may stand for.
  absl::Status Finish();

  // Before Finish(), rows that turn out to be copies or duplicates count as what they looked like.
  const ReadCounters& counters() const { return counters_; }
  // The bitmap over the manifest's ordinals.
  const std::string& seen() const { return seen_; }
  KeyFilter& filter() { return filter_; }

 private:
  static constexpr size_t kBlock = 64;

  // How a row was counted. Kept in the flags of the spilled list.
  enum Category : uint8_t { kUnchanged, kDeferred, kInvalid, kSkipped, kChanged, kCategories };
  using Tally = std::array<uint64_t, kCategories>;

  // The rows of one key in the spilled list.
  struct Group {
    Hash128 key;
    Tally rows{};
    uint64_t distinct = 0;
    uint64_t last_row = 0;
    bool has_first = false;  // the key's first row is among them
  };

  absl::Status AddBlock(std::span<const RawRow> rows);
  absl::Status AddKeyed(const RawRow& row, const Hash128& key, const EntryPosition& at);
  absl::Status AddUnkeyed(const RawRow& row, const ValueError& error);
  absl::StatusOr<Category> Classify(const RawRow& row, const Hash128& key, uint64_t row_hash,
                                    const EntryPosition& at, bool known);
  absl::StatusOr<Category> RenderAndEmit(const RawRow& row, Intent intent, Disposal disposal);
  bool IsWanted(const RawRow& row);
  bool EqualByOlderRecipe(const RawRow& row, const EntryPosition& at);
  absl::Status ReportInvalid(const RawRow& row, const ValueError& error);
  bool MarkSeen(const EntryPosition& at);
  uint64_t& Counter(Category category);
  void EndGroup();

  const Program& program_;
  Mapper& mapper_;
  const SnapshotIndex& index_;
  const DeferralIndex& deferrals_;
  const DifferOptions options_;
  DiffSink& sink_;

  ReadCounters counters_;
  std::string seen_;
  SpillSorter spilled_;
  KeyFilter filter_;
  std::vector<uint64_t> unkeyed_;  // primary keys of rows whose key can't be made
  Group group_;

  std::array<Hash128, kBlock> keys_;
  std::array<uint8_t, kBlock> rows_of_keys_;  // which row of the block a key is of
  std::array<EntryPosition, kBlock> found_;
  RenderedRecord record_;
  std::string label_, identity_;
};

}  // namespace penstock
