#include "services/extractor/domain/mapping/row_hash.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "services/common/core/bytes.h"
#include "services/common/core/hash.h"
#include "services/common/model/snapshot.h"
#include "services/extractor/domain/mapping/big_endian.h"
#include "services/extractor/domain/mapping/program.h"

namespace penstock {
namespace {

template <typename Float, typename Bits>
void CanonicalFloat(char* at) {
  Bits bits = LoadBig<Bits>(at);
  Float value;
  std::memcpy(&value, &bits, sizeof value);
  if (value == 0) {
    value = 0;
  } else if (std::isnan(value)) {
    value = std::numeric_limits<Float>::quiet_NaN();
  } else {
    return;
  }
  std::memcpy(&bits, &value, sizeof bits);
  bits = LoadBig<Bits>(reinterpret_cast<const char*>(&bits));
  std::memcpy(at, &bits, sizeof bits);
}

void CanonicalScalar(WireBase base, char* at, size_t size) {
  if (base == WireBase::kFloat8 && size == 8) CanonicalFloat<double, uint64_t>(at);
  if (base == WireBase::kFloat4 && size == 4) CanonicalFloat<float, uint32_t>(at);
}

// Zeroes the element type's OID and walks over the elements of an array of floats.
void CanonicalArray(WireBase base, char* at, size_t size) {
  constexpr size_t kHeader = 12, kOidAt = 8, kDimension = 8;
  if (size < kHeader) return;
  std::memset(at + kOidAt, 0, sizeof(uint32_t));
  if (base != WireBase::kFloat4 && base != WireBase::kFloat8) return;
  size_t next = kHeader + static_cast<size_t>(LoadBig<uint32_t>(at)) * kDimension;
  while (next + sizeof(int32_t) <= size) {
    int32_t length = LoadBig<int32_t>(at + next);
    next += sizeof(int32_t);
    if (length < 0) continue;
    if (next + static_cast<size_t>(length) > size) return;
    CanonicalScalar(base, at + next, static_cast<size_t>(length));
    next += static_cast<size_t>(length);
  }
}

// Class, length and value, appended at once: this runs for every row.
void AppendIntegerKey(int64_t value, std::string& key) {
  constexpr uint32_t kSize = sizeof value;
  char part[1 + sizeof kSize + kSize] = {static_cast<char>(KeyClass::kInteger)};
  std::memcpy(part + 1, &kSize, sizeof kSize);
  std::memcpy(part + 1 + sizeof kSize, &value, kSize);
  key.append(part, sizeof part);
}

}  // namespace

bool NeedsCanonicalBytes(const WireType& type) {
  return type.array || type.base == WireBase::kFloat4 || type.base == WireBase::kFloat8;
}

uint64_t HashRow(const RawRow& row, size_t columns, std::span<const WireType> types,
                 std::span<const size_t> canonical, uint64_t seed, std::string& scratch) {
  std::string_view bytes = row.bytes;
  if (columns < row.fields.size())
    bytes = bytes.substr(
        0, static_cast<size_t>(row.fields[columns].data - row.bytes.data()) - sizeof(int32_t));
  if (!canonical.empty()) {
    scratch.assign(bytes);
    for (size_t column : canonical) {
      const RawField& field = row.fields[column];
      if (field.null()) continue;
      char* at = scratch.data() + (field.data - row.bytes.data());
      size_t size = static_cast<size_t>(field.size);
      if (types[column].array) {
        CanonicalArray(types[column].base, at, size);
      } else {
        CanonicalScalar(types[column].base, at, size);
      }
    }
    bytes = scratch;
  }
  return RowHash(HashBytes64(bytes, seed));
}

uint64_t HashPrimaryKey(const RawRow& row, std::span<const int> primary_key,
                        std::span<const WireType> types, uint64_t seed, std::string& scratch) {
  scratch.clear();
  ByteWriter w(scratch);
  for (int index : primary_key) {
    const RawField& field = row.fields[static_cast<size_t>(index)];
    const WireType& type = types[static_cast<size_t>(index)];
    if (!type.array && type.base == WireBase::kInt8 && field.size == 8) {
      AppendIntegerKey(field.bytes(), scratch);
      continue;
    }
    KeyClass key_class = KeyClass::kSent;
    if (!type.array && type.base == WireBase::kText) key_class = KeyClass::kText;
    if (!type.array && type.base == WireBase::kUuid) key_class = KeyClass::kUuid;
    w.Int(static_cast<uint8_t>(key_class));
    w.Bytes(field.bytes());
  }
  return HashBytes64(scratch, seed);
}

void AppendIntegerKey(std::string_view big_endian, std::string& key) {
  AppendIntegerKey(LoadBig<int64_t>(big_endian.data()), key);
}

bool AppendIntegerTextKey(std::string_view digits, std::string& key) {
  int64_t value = 0;
  const char* end = digits.data() + digits.size();
  auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc() || stop != end) return false;
  AppendIntegerKey(value, key);
  return true;
}

}  // namespace penstock
