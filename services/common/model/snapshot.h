#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/core/hash.h"

// The snapshot: what the destination may hold, as sorted entries in immutable segments. The byte
// layout stands in docs/formats.md, "Segments".
namespace penstock {

struct Entry {
  Hash128 key;
  uint64_t row = 0;          // 63 bits, of the row as it was last begun or confirmed
  bool in_doubt = false;     // an attempt went unanswered: the destination may or may not hold it
  bool tombstone = false;    // the key was removed
  uint64_t emission = 0;     // kept for in-doubt entries only
  uint64_t primary_key = 0;  // hash; segments with identity only
  std::string_view identity = {};  // identity slices; segments with identity only
};

inline constexpr uint64_t kRowHashMask = ~(uint64_t{1} << 63);
// The row hash that no row has: of entries whose recipe was lost in a merge.
inline constexpr uint64_t kForeignRow = 0;
// Cuts a 64-bit hash to a row hash. Never kForeignRow, and never all ones, which with the in-doubt
// bit would read as a tombstone.
constexpr uint64_t RowHash(uint64_t hash) {
  hash &= kRowHashMask;
  if (hash == kForeignRow) return 1;
  return hash == kRowHashMask ? kRowHashMask - 1 : hash;
}

enum class SegmentKind : uint8_t { kLevel = 1, kDeferrals = 2 };

// A deferral: a refused record (or removal) that is not tried again before `next_try`.
struct Deferral {
  Hash128 key;
  uint64_t row = 0;  // of the row that was refused; of a removal: of the entry
  bool removal = false;
  bool cleared = false;  // a newer segment says that this key is deferred no more
  uint16_t tries = 0;
  int64_t next_try_us = 0;  // microseconds since 1970, of the database's clock
};

struct SegmentHeader {
  SegmentKind kind = SegmentKind::kLevel;
  bool with_identity = false;
  uint64_t recipe = 0;  // fingerprint of the recipe by which the row hashes were made
  uint32_t entries = 0;
};

// Builds a segment from entries in ascending order of their keys, each key once.
class SegmentBuilder {
 public:
  explicit SegmentBuilder(const SegmentHeader& layout);
  void Add(const Entry& entry);        // kLevel
  void Add(const Deferral& deferral);  // kDeferrals
  uint32_t entries() const { return header_.entries; }
  size_t bytes() const;
  std::string Finish();

 private:
  SegmentHeader header_;
  std::string keys_, rows_, sparse_, primary_keys_, offsets_, identities_, deferrals_;
};

// Reads a segment that lies in memory (a string or a mapped file), which must outlive it.
// Thread-safe.
class SegmentView {
 public:
  // Checks magic, version, lengths; and, if asked, the checksum and the order of the keys.
  // DATA_CORRUPT otherwise. A view of damaged bytes whose checksum was not asked for gives wrong
  // entries, but never reads outside of `bytes`.
  static absl::StatusOr<SegmentView> Open(std::string_view bytes, bool verify_checksum);

  const SegmentHeader& header() const { return header_; }
  uint32_t size() const { return header_.entries; }
  Hash128 key(uint32_t i) const {
    const char* at = keys_ + size_t{i} * 16;
    return {Load(at), Load(at + 8)};
  }
  uint64_t row(uint32_t i) const { return StoredRow(i) & kRowHashMask; }
  bool in_doubt(uint32_t i) const {
    uint64_t row = StoredRow(i);
    return (row & ~kRowHashMask) != 0 && row != kTombstoneRow;
  }
  bool tombstone(uint32_t i) const { return StoredRow(i) == kTombstoneRow; }
  Entry entry(uint32_t i) const;
  // Asks for the memory of entry i before it is read.
  void Prefetch(uint32_t i) const {
    __builtin_prefetch(keys_ + size_t{i} * 16);
    __builtin_prefetch(rows_ + size_t{i} * 8);
  }
  Deferral deferral(uint32_t i) const;
  // The index of `key`, or nullopt: interpolates on the hash, for keys are uniform.
  std::optional<uint32_t> Find(const Hash128& key) const;

 private:
  static constexpr uint64_t kTombstoneRow = ~uint64_t{0};

  // The parts of a segment have no alignment.
  static uint64_t Load(const char* at) {
    uint64_t value;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
  uint64_t StoredRow(uint32_t i) const { return Load(rows_ + size_t{i} * 8); }

  SegmentHeader header_;
  const char* keys_ = nullptr;
  const char* rows_ = nullptr;
  const char* sparse_ = nullptr;
  uint32_t sparse_count_ = 0;
  const char* primary_keys_ = nullptr;
  const char* offsets_ = nullptr;
  const char* identities_ = nullptr;
  size_t identities_size_ = 0;
  const char* deferrals_ = nullptr;
};

// Supplies the segments of one level in ascending order of their keys; nullopt at the end.
using LevelSource = std::function<absl::StatusOr<std::optional<std::string>>()>;
// Takes a finished segment of a merge's result.
using SegmentSink = std::function<absl::Status(std::string bytes, const SegmentHeader& header)>;

struct MergeOptions {
  SegmentHeader layout;  // kind, with_identity and recipe of the result
  // A merge down to the base: tombstones and cleared deferrals go.
  bool drop_tombstones = false;
  size_t max_segment_bytes = 16 << 20;
  // Every entry of the result is in doubt, by this emission.
  std::optional<uint64_t> doubt = std::nullopt;
};

// Merges levels of one kind: the newest entry of a key wins. Holds one segment of each level and
// the one being built in memory, however large the levels are. An entry whose segment has another
// recipe than the result's gets row hash kForeignRow, so that it still counts as changed.
absl::Status MergeLevels(std::vector<LevelSource> newest_first, const MergeOptions& options,
                         const SegmentSink& emit);

}  // namespace penstock
