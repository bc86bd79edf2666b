#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/core/uuid.h"

namespace penstock {

// Type OIDs of PostgreSQL's catalogue (src/include/catalog/pg_type.dat) that Penstock sends as
// parameters.
namespace pg_oid {
inline constexpr uint32_t kBool = 16, kBytea = 17, kInt8 = 20, kText = 25, kFloat8 = 701,
                          kUuid = 2950, kInt8Array = 1016, kTextArray = 1009, kByteaArray = 1001,
                          kInt4Array = 1007, kJsonb = 3802;
}  // namespace pg_oid

// A statement's parameter in binary form. Owns its bytes.
class PgValue {
 public:
  PgValue(bool value);  // NOLINT(google-explicit-constructor): parameters are written in place
  PgValue(int value) : PgValue(static_cast<int64_t>(value)) {}       // NOLINT
  PgValue(uint32_t value) : PgValue(static_cast<int64_t>(value)) {}  // NOLINT
  PgValue(uint64_t value)
      : PgValue(static_cast<int64_t>(value)) {}  // NOLINT: stored as int8, bit by bit
  PgValue(int64_t value);                        // NOLINT
  PgValue(double value);                         // NOLINT
  PgValue(const char* text) : PgValue(std::string_view(text)) {}         // NOLINT
  PgValue(std::string_view text);                                        // NOLINT
  PgValue(const std::string& text) : PgValue(std::string_view(text)) {}  // NOLINT
  PgValue(const Uuid& value);                                            // NOLINT
  static PgValue Bytes(std::string_view bytes);
  static PgValue Null(uint32_t type);
  static PgValue Int8s(const std::vector<int64_t>& values);
  static PgValue Texts(const std::vector<std::string>& values);

  uint32_t type() const { return type_; }
  // nullopt: NULL.
  const std::optional<std::string>& bytes() const { return bytes_; }

 private:
  PgValue(uint32_t type, std::optional<std::string> bytes)
      : type_(type), bytes_(std::move(bytes)) {}
  uint32_t type_;
  std::optional<std::string> bytes_;
};

// NULL for an empty optional.
template <typename T>
PgValue OrNull(const std::optional<T>& value, uint32_t type) {
  return value.has_value() ? PgValue(*value) : PgValue::Null(type);
}

}  // namespace penstock
