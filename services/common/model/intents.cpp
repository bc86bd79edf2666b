#include <algorithm>

#include "services/common/core/bytes.h"
#include "services/common/core/status.h"
#include "services/common/model/batch.h"
#include "services/common/model/snapshot.h"

namespace penstock {

uint64_t EmissionOf(const Uuid& run, uint32_t read) {
  std::string bytes;
  ByteWriter w(bytes);
  w.Raw(run.raw());
  w.Int(read);
  return HashBytes64(bytes);
}

void IntentWriter::Add(const Intent& intent) {
  ByteWriter w(out_);
  w.Int(intent.key.hi);
  w.Int(intent.key.lo);
  w.Int(intent.row & kRowHashMask);
  w.Int(intent.emission);
  if (!keeps_identity_) return;
  w.Int(intent.primary_key);
  w.Bytes(intent.identity);
}

absl::StatusOr<std::vector<Intent>> ReadIntents(std::string_view packed, uint32_t count,
                                                bool keeps_identity) {
  constexpr size_t kMinSize = 4 * sizeof(uint64_t);
  std::vector<Intent> intents;
  intents.reserve(std::min<size_t>(count, packed.size() / kMinSize));
  ByteReader r(packed);
  for (uint32_t i = 0; i < count && r.ok(); ++i) {
    Intent& intent = intents.emplace_back();
    intent.key.hi = r.Int<uint64_t>();
    intent.key.lo = r.Int<uint64_t>();
    intent.row = r.Int<uint64_t>() & kRowHashMask;
    intent.emission = r.Int<uint64_t>();
    if (!keeps_identity) continue;
    intent.primary_key = r.Int<uint64_t>();
    intent.identity = r.Bytes();
  }
  if (!r.ok() || r.remaining() != 0)
    return Error(ErrorCode::kDATA_CORRUPT,
                 "intents: their length is not that of " + std::to_string(count) + " records");
  return intents;
}

absl::StatusOr<std::vector<std::string_view>> ReadIdentity(std::string_view packed, size_t fields) {
  std::vector<std::string_view> slices;
  ByteReader r(packed);
  for (size_t i = 0; i < fields && r.ok(); ++i) slices.push_back(r.Bytes());
  if (!r.ok() || r.remaining() != 0)
    return Error(ErrorCode::kDATA_CORRUPT,
                 "identity: it is not that of " + std::to_string(fields) + " fields");
  return slices;
}

}  // namespace penstock
