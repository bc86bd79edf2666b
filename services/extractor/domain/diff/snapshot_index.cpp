#include "services/extractor/domain/diff/snapshot_index.h"

#include <algorithm>
#include <array>

namespace penstock {

SnapshotIndex::Segment SnapshotIndex::IndexSegment(const SegmentView& view,
                                                   uint64_t first_ordinal) {
  const uint32_t n = view.size();
  Segment segment;
  segment.view = view;
  segment.first_ordinal = first_ordinal;
  if (n == 0) return segment;
  segment.first = view.key(0);
  segment.last = view.key(n - 1);
  // Two to four entries a bucket when keys are uniform.
  const uint64_t span = segment.last.hi - segment.first.hi;
  while ((span >> segment.shift) > n / 2) ++segment.shift;
  segment.buckets.reserve((span >> segment.shift) + 2);
  for (uint32_t i = 0; i < n; ++i) {
    // Cut to the last bucket, so that a damaged order can't make this grow.
    uint64_t bucket = std::min(view.key(i).hi - segment.first.hi, span) >> segment.shift;
    while (segment.buckets.size() <= bucket) segment.buckets.push_back(i);
  }
  segment.buckets.push_back(n);
  return segment;
}

SnapshotIndex::SnapshotIndex(const std::vector<std::vector<SegmentView>>& levels) {
  for (const std::vector<SegmentView>& views : levels) {
    Level level{.begin = static_cast<uint32_t>(segments_.size())};
    for (const SegmentView& view : views) {
      if (view.size() == 0) continue;
      segments_.push_back(IndexSegment(view, ordinals_));
      ordinals_ += view.size();
    }
    level.end = static_cast<uint32_t>(segments_.size());
    if (level.begin != level.end) levels_.push_back(level);
  }
}

uint32_t SnapshotIndex::SegmentFor(const Level& level, const Hash128& key) const {
  auto begin = segments_.begin() + level.begin, end = segments_.begin() + level.end;
  auto found = std::lower_bound(begin, end, key,
                                [](const Segment& s, const Hash128& k) { return s.last < k; });
  if (found == end || key < found->first) return EntryPosition::kNone;
  return static_cast<uint32_t>(found - segments_.begin());
}

void SnapshotIndex::FindInLevel(const Level& level, std::span<const Hash128> keys,
                                std::span<EntryPosition> out) const {
  std::array<Probe, kBlock> probes;
  for (size_t i = 0; i < keys.size(); ++i) {
    Probe& probe = probes[i];
    if (out[i].found()) continue;
    probe.segment = SegmentFor(level, keys[i]);
    if (probe.segment == EntryPosition::kNone) continue;
    const Segment& segment = segments_[probe.segment];
    probe.bucket = static_cast<uint32_t>((keys[i].hi - segment.first.hi) >> segment.shift);
    __builtin_prefetch(&segment.buckets[probe.bucket]);
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    Probe& probe = probes[i];
    if (probe.segment == EntryPosition::kNone) continue;
    const Segment& segment = segments_[probe.segment];
    probe.low = segment.buckets[probe.bucket];
    probe.high = segment.buckets[probe.bucket + 1];
    if (probe.low == probe.high) continue;
    segment.view.Prefetch(probe.low);
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    const Probe& probe = probes[i];
    if (probe.segment == EntryPosition::kNone) continue;
    const SegmentView& view = segments_[probe.segment].view;
    uint32_t low = probe.low, high = probe.high;
    // Keys are hashes, so a bucket is small; one that is not (damaged, or made on purpose) costs
    // time only.
    while (low < high) {
      uint32_t middle = low + (high - low) / 2;
      if (view.key(middle) < keys[i]) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low < view.size() && view.key(low) == keys[i]) out[i] = {probe.segment, low};
  }
}

void SnapshotIndex::FindBlock(std::span<const Hash128> keys, std::span<EntryPosition> out) const {
  std::fill(out.begin(), out.end(), EntryPosition{});
  for (size_t l = levels_.size(); l-- > 0;) FindInLevel(levels_[l], keys, out);
}

void SnapshotIndex::Find(std::span<const Hash128> keys, std::span<EntryPosition> out) const {
  for (size_t at = 0; at < keys.size(); at += kBlock) {
    size_t n = std::min(kBlock, keys.size() - at);
    FindBlock(keys.subspan(at, n), out.subspan(at, n));
  }
}

void SnapshotIndex::ForEachLive(const std::function<bool(const EntryPosition&)>& visit) const {
  std::vector<EntryPosition> cursors;  // newest level first
  for (size_t l = levels_.size(); l-- > 0;) cursors.push_back({levels_[l].begin, 0});
  auto done = [&](size_t c) { return cursors[c].segment == levels_[levels_.size() - 1 - c].end; };
  auto key = [&](size_t c) { return segment(cursors[c]).key(cursors[c].index); };
  while (true) {
    size_t newest = cursors.size();
    for (size_t c = 0; c < cursors.size(); ++c) {
      if (!done(c) && (newest == cursors.size() || key(c) < key(newest))) newest = c;
    }
    if (newest == cursors.size()) return;
    const EntryPosition at = cursors[newest];
    const Hash128 least = key(newest);
    if (!segment(at).tombstone(at.index) && !visit(at)) return;
    for (size_t c = 0; c < cursors.size(); ++c) {
      if (done(c) || key(c) != least) continue;
      if (++cursors[c].index == segment(cursors[c]).size())
        cursors[c] = {cursors[c].segment + 1, 0};
    }
  }
}

}  // namespace penstock
