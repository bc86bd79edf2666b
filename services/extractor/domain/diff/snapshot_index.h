#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "services/common/core/hash.h"
#include "services/common/model/snapshot.h"

namespace penstock {

// Where an entry stands in a manifest.
struct EntryPosition {
  static constexpr uint32_t kNone = ~uint32_t{0};
  uint32_t segment = kNone;  // among all segments of the manifest
  uint32_t index = 0;        // in the segment
  bool found() const { return segment != kNone; }
};

// Looks up keys in the segments of a pinned manifest: the newest entry of each key. The segments
// stay where they are (a mapped file or a string); the index adds about one byte an entry. The
// bytes behind the views must outlive it. Thread-safe once made.
class SnapshotIndex {
 public:
  // Levels as the manifest lists them, base first; the segments of each in ascending order.
  explicit SnapshotIndex(const std::vector<std::vector<SegmentView>>& levels);

  // The newest entry of each key; `out` is as long as `keys`. Made for blocks of some 64 keys: the
  // memory of all of them is fetched before the first is compared.
  void Find(std::span<const Hash128> keys, std::span<EntryPosition> out) const;

  const SegmentView& segment(const EntryPosition& at) const { return segments_[at.segment].view; }
  Entry entry(const EntryPosition& at) const { return segment(at).entry(at.index); }
  // The entry's number when all segments are counted through; indexes the read's bitmap.
  uint64_t ordinal(const EntryPosition& at) const {
    return segments_[at.segment].first_ordinal + at.index;
  }
  uint64_t ordinals() const { return ordinals_; }

  // Visits the newest entry of every key in ascending order, tombstones left out, until `visit`
  // returns false.
  void ForEachLive(const std::function<bool(const EntryPosition&)>& visit) const;

 private:
  struct Segment {
    SegmentView view;
    uint64_t first_ordinal = 0;
    Hash128 first, last;
    // Entry i is in bucket (key(i).hi - first.hi) >> shift; buckets[b] is the first entry of b.
    int shift = 0;
    std::vector<uint32_t> buckets;
  };
  struct Level {
    uint32_t begin = 0, end = 0;  // into segments_
  };
  struct Probe {
    uint32_t segment = EntryPosition::kNone;
    uint32_t bucket = 0, low = 0, high = 0;
  };
  static constexpr size_t kBlock = 64;

  static Segment IndexSegment(const SegmentView& view, uint64_t first_ordinal);
  uint32_t SegmentFor(const Level& level, const Hash128& key) const;
  void FindBlock(std::span<const Hash128> keys, std::span<EntryPosition> out) const;
  void FindInLevel(const Level& level, std::span<const Hash128> keys,
                   std::span<EntryPosition> out) const;

  std::vector<Segment> segments_;
  std::vector<Level> levels_;  // base first; empty ones left out
  uint64_t ordinals_ = 0;
};

}  // namespace penstock
