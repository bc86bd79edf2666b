#include <algorithm>
#include <cstring>

#include "services/common/core/bytes.h"
#include "services/common/core/status.h"
#include "services/common/model/segment_layout.h"
#include "services/common/model/snapshot.h"

namespace penstock {

using namespace segment_layout;

namespace {

template <typename T>
T LoadAs(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

absl::Status Corrupt(std::string_view what) {
  return Error(ErrorCode::kDATA_CORRUPT, "segment: " + std::string(what));
}

}  // namespace

absl::StatusOr<SegmentView> SegmentView::Open(std::string_view bytes, bool verify_checksum) {
  if (bytes.size() < kHeaderSize + kChecksumSize) return Corrupt("it is cut short");
  std::string_view content = bytes.substr(0, bytes.size() - kChecksumSize);
  ByteReader r(content);
  if (r.Raw(kMagic.size()) != kMagic) return Corrupt("it does not begin with PSS1");
  if (uint16_t version = r.Int<uint16_t>(); version != kVersion)
    return Corrupt("version " + std::to_string(version) + " is not known here");
  SegmentView view;
  uint8_t kind = r.Int<uint8_t>();
  if (kind != static_cast<uint8_t>(SegmentKind::kLevel) &&
      kind != static_cast<uint8_t>(SegmentKind::kDeferrals))
    return Corrupt("its kind is not known here");
  view.header_.kind = static_cast<SegmentKind>(kind);
  view.header_.with_identity = (r.Int<uint8_t>() & kWithIdentity) != 0;
  view.header_.recipe = r.Int<uint64_t>();
  size_t n = view.header_.entries = r.Int<uint32_t>();
  view.sparse_count_ = r.Int<uint32_t>();
  view.keys_ = r.Raw(n * kKeySize).data();
  if (view.header_.kind == SegmentKind::kDeferrals) {
    view.deferrals_ = r.Raw(n * kDeferralSize).data();
  } else {
    view.rows_ = r.Raw(n * kRowSize).data();
    view.sparse_ = r.Raw(size_t{view.sparse_count_} * kSparseSize).data();
    if (view.header_.with_identity) {
      view.primary_keys_ = r.Raw(n * sizeof(uint64_t)).data();
      view.offsets_ = r.Raw((n + 1) * sizeof(uint32_t)).data();
      view.identities_size_ = r.remaining();
      view.identities_ = r.Raw(r.remaining()).data();
    }
  }
  if (!r.ok() || r.remaining() != 0) return Corrupt("its length is not that of its entries");
  if (!verify_checksum) return view;
  if (LoadAs<uint64_t>(content.data() + content.size()) != HashBytes64(content))
    return Corrupt("its checksum does not match");
  for (uint32_t i = 1; i < n; ++i) {
    if (!(view.key(i - 1) < view.key(i))) return Corrupt("its keys are not in ascending order");
  }
  return view;
}

Entry SegmentView::entry(uint32_t i) const {
  Entry entry{.key = key(i), .row = row(i), .in_doubt = in_doubt(i), .tombstone = tombstone(i)};
  if (entry.tombstone) entry.row = 0;
  if (entry.in_doubt) {
    uint32_t low = 0, high = sparse_count_;
    while (low < high) {
      uint32_t middle = low + (high - low) / 2;
      if (LoadAs<uint32_t>(sparse_ + size_t{middle} * kSparseSize) < i) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    const char* at = sparse_ + size_t{low} * kSparseSize;
    if (low < sparse_count_ && LoadAs<uint32_t>(at) == i)
      entry.emission = LoadAs<uint64_t>(at + sizeof(uint32_t));
  }
  if (header_.with_identity) {
    entry.primary_key = LoadAs<uint64_t>(primary_keys_ + size_t{i} * sizeof(uint64_t));
    const char* at = offsets_ + size_t{i} * sizeof(uint32_t);
    uint32_t begin = LoadAs<uint32_t>(at), end = LoadAs<uint32_t>(at + sizeof(uint32_t));
    if (begin <= end && end <= identities_size_)
      entry.identity = {identities_ + begin, end - begin};
  }
  return entry;
}

Deferral SegmentView::deferral(uint32_t i) const {
  const char* at = deferrals_ + size_t{i} * kDeferralSize;
  uint16_t flags = LoadAs<uint16_t>(at + 18);
  return {.key = key(i),
          .row = LoadAs<uint64_t>(at) & kRowHashMask,
          .removal = (flags & kRemoval) != 0,
          .cleared = (flags & kCleared) != 0,
          .tries = LoadAs<uint16_t>(at + 16),
          .next_try_us = LoadAs<int64_t>(at + 8)};
}

std::optional<uint32_t> SegmentView::Find(const Hash128& wanted) const {
  if (size() == 0) return std::nullopt;
  uint32_t low = 0, high = size();  // the answer lies in [low, high)
  const Hash128 first = key(0), last = key(high - 1);
  if (wanted < first || last < wanted) return std::nullopt;
  // Uniform keys: the guess is off by about the square root of the size, so search outwards from
  // it in doubling steps before halving.
  uint64_t span = last.hi - first.hi;
  uint32_t guess = span == 0 ? 0
                             : static_cast<uint32_t>(static_cast<double>(wanted.hi - first.hi) /
                                                     static_cast<double>(span) * (high - 1));
  guess = std::min(guess, high - 1);
  if (key(guess) < wanted) {
    low = guess + 1;
    for (uint64_t step = 1; guess + step < high; step *= 2) {
      uint32_t probe = static_cast<uint32_t>(guess + step);
      if (wanted < key(probe)) {
        high = probe;
        break;
      }
      low = probe;
    }
  } else {
    high = guess + 1;
    for (uint64_t step = 1; step <= guess; step *= 2) {
      uint32_t probe = static_cast<uint32_t>(guess - step);
      if (key(probe) < wanted) {
        low = probe + 1;
        break;
      }
      high = probe + 1;
    }
  }
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (key(middle) < wanted) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low < size() && key(low) == wanted) return low;
  return std::nullopt;
}

}  // namespace penstock
