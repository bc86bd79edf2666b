#include "services/loader/domain/idempotency.h"

#include "fmt/format.h"
#include "services/common/core/bytes.h"

namespace penstock::loader {
namespace {

std::string Hex(const Hash128& hash) {
  return fmt::format("{:016x}{:016x}", hash.hi, hash.lo);
}

}  // namespace

std::string IdempotencyKey(std::string_view sync, uint64_t epoch, Operation operation,
                           const Intent& intent) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.Bytes(sync);
  writer.Int(epoch);
  writer.Int(intent.key.hi);
  writer.Int(intent.key.lo);
  writer.Int(intent.row);
  writer.Int(intent.emission);
  writer.Int(static_cast<uint8_t>(operation));
  return Hex(HashBytes128(bytes, 0));
}

std::string RequestIdempotencyKey(std::span<const std::string> keys) {
  if (keys.size() == 1) return keys.front();
  std::string joined;
  for (const std::string& key : keys) joined += key;
  return Hex(HashBytes128(joined, 0));
}

}  // namespace penstock::loader
