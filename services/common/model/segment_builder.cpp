#include "services/common/core/bytes.h"
#include "services/common/model/segment_layout.h"
#include "services/common/model/snapshot.h"

namespace penstock {

using namespace segment_layout;

SegmentBuilder::SegmentBuilder(const SegmentHeader& layout) : header_(layout) {
  header_.entries = 0;
}

void SegmentBuilder::Add(const Entry& entry) {
  ByteWriter keys(keys_), rows(rows_);
  keys.Int(entry.key.hi);
  keys.Int(entry.key.lo);
  uint64_t row = entry.row & kRowHashMask;
  if (entry.tombstone) {
    row = kTombstone;
  } else if (entry.in_doubt) {
    row |= kInDoubt;
    if (row == kTombstone) row = kInDoubt | RowHash(row);
    ByteWriter sparse(sparse_);
    sparse.Int(header_.entries);
    sparse.Int(entry.emission);
  }
  rows.Int(row);
  if (header_.with_identity) {
    ByteWriter(primary_keys_).Int(entry.primary_key);
    ByteWriter(offsets_).Int(static_cast<uint32_t>(identities_.size()));
    identities_ += entry.identity;
  }
  ++header_.entries;
}

void SegmentBuilder::Add(const Deferral& deferral) {
  ByteWriter keys(keys_), w(deferrals_);
  keys.Int(deferral.key.hi);
  keys.Int(deferral.key.lo);
  w.Int(deferral.row & kRowHashMask);
  w.Int(deferral.next_try_us);
  w.Int(deferral.tries);
  w.Int(
      static_cast<uint16_t>((deferral.removal ? kRemoval : 0) | (deferral.cleared ? kCleared : 0)));
  ++header_.entries;
}

size_t SegmentBuilder::bytes() const {
  return kHeaderSize + keys_.size() + rows_.size() + sparse_.size() + primary_keys_.size() +
         offsets_.size() + sizeof(uint32_t) + identities_.size() + deferrals_.size() +
         kChecksumSize;
}

std::string SegmentBuilder::Finish() {
  if (header_.with_identity) ByteWriter(offsets_).Int(static_cast<uint32_t>(identities_.size()));
  std::string out;
  out.reserve(bytes());
  ByteWriter w(out);
  w.Raw(kMagic);
  w.Int(kVersion);
  w.Int(static_cast<uint8_t>(header_.kind));
  w.Int(static_cast<uint8_t>(header_.with_identity ? kWithIdentity : 0));
  w.Int(header_.recipe);
  w.Int(header_.entries);
  w.Int(static_cast<uint32_t>(sparse_.size() / kSparseSize));
  for (std::string* part :
       {&keys_, &rows_, &sparse_, &primary_keys_, &offsets_, &identities_, &deferrals_}) {
    w.Raw(*part);
    part->clear();
  }
  w.Int(HashBytes64(out));
  header_.entries = 0;
  return out;
}

}  // namespace penstock
