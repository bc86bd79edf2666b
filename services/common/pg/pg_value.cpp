#include "services/common/pg/pg_value.h"

#include <bit>
#include <cstring>

namespace penstock {
namespace {

template <typename T>
void AppendBigEndian(std::string& out, T value) {
  for (int shift = 8 * (static_cast<int>(sizeof(T)) - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(static_cast<uint8_t>(value >> shift)));
  }
}

template <typename T>
std::string BigEndian(T value) {
  std::string out;
  AppendBigEndian(out, value);
  return out;
}

// The binary form of a one-dimensional array without NULLs: dimensions, flags, element type,
// length, lower bound.
std::string ArrayHeader(uint32_t element, size_t size) {
  std::string out;
  AppendBigEndian<uint32_t>(out, size == 0 ? 0 : 1);
  AppendBigEndian<uint32_t>(out, 0);
  AppendBigEndian<uint32_t>(out, element);
  if (size > 0) {
    AppendBigEndian<uint32_t>(out, static_cast<uint32_t>(size));
    AppendBigEndian<uint32_t>(out, 1);
  }
  return out;
}

}  // namespace

PgValue::PgValue(bool value) : PgValue(pg_oid::kBool, std::string(1, value ? 1 : 0)) {}
PgValue::PgValue(int64_t value) : PgValue(pg_oid::kInt8, BigEndian(static_cast<uint64_t>(value))) {}
PgValue::PgValue(double value)
    : PgValue(pg_oid::kFloat8, BigEndian(std::bit_cast<uint64_t>(value))) {}
PgValue::PgValue(std::string_view text) : PgValue(pg_oid::kText, std::string(text)) {}
PgValue::PgValue(const Uuid& value) : PgValue(pg_oid::kUuid, std::string(value.raw())) {}
PgValue PgValue::Bytes(std::string_view bytes) {
  return {pg_oid::kBytea, std::string(bytes)};
}
PgValue PgValue::Null(uint32_t type) {
  return {type, std::nullopt};
}

PgValue PgValue::Int8s(const std::vector<int64_t>& values) {
  std::string out = ArrayHeader(pg_oid::kInt8, values.size());
  for (int64_t value : values) {
    AppendBigEndian<uint32_t>(out, 8);
    AppendBigEndian(out, static_cast<uint64_t>(value));
  }
  return {pg_oid::kInt8Array, std::move(out)};
}

PgValue PgValue::Texts(const std::vector<std::string>& values) {
  std::string out = ArrayHeader(pg_oid::kText, values.size());
  for (const std::string& value : values) {
    AppendBigEndian<uint32_t>(out, static_cast<uint32_t>(value.size()));
    out += value;
  }
  return {pg_oid::kTextArray, std::move(out)};
}

}  // namespace penstock
