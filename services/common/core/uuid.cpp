#include "services/common/core/uuid.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "services/common/core/status.h"

namespace penstock {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr size_t kTextSize = 36;
bool IsDash(size_t position) {
  return position == 8 || position == 13 || position == 18 || position == 23;
}

}  // namespace

Uuid Uuid::V7(WallTime now, Random& random) {
  Uuid id;
  const auto ms = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
  for (int i = 0; i < 6; ++i) id.bytes[i] = static_cast<uint8_t>(ms >> (40 - 8 * i));
  const uint64_t r[2] = {random.Next(), random.Next()};
  std::memcpy(&id.bytes[6], r, 10);
  id.bytes[6] = static_cast<uint8_t>((id.bytes[6] & 0x0f) | 0x70);
  id.bytes[8] = static_cast<uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  return id;
}

absl::StatusOr<Uuid> Uuid::Parse(std::string_view text) {
  Uuid id;
  bool valid = text.size() == kTextSize;
  size_t nibble = 0;
  for (size_t i = 0; valid && i < kTextSize; ++i) {
    if (IsDash(i)) {
      valid = text[i] == '-';
      continue;
    }
    const size_t value = kHex.find(text[i]);
    valid = value != kHex.npos;
    if (!valid) break;
    id.bytes[nibble / 2] = static_cast<uint8_t>((id.bytes[nibble / 2] << 4) | value);
    ++nibble;
  }
  if (!valid)
    return Error(ErrorCode::kINVALID_REQUEST,
                 absl::StrCat("\"", Absl(text), "\" is not an id (a UUID)"));
  return id;
}

std::string Uuid::ToString() const {
  std::string out;
  out.reserve(kTextSize);
  for (uint8_t byte : bytes) {
    if (IsDash(out.size())) out.push_back('-');
    out.push_back(kHex[byte >> 4]);
    out.push_back(kHex[byte & 15]);
  }
  return out;
}

Uuid Uuid::FromRaw(std::string_view raw) {
  Uuid id;
  std::memcpy(id.bytes.data(), raw.data(), id.bytes.size());
  return id;
}

}  // namespace penstock
