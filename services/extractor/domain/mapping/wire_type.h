#pragma once

#include <cstdint>
#include <string>

#include "services/common/functions/types.h"
#include "services/extractor/domain/warehouse.h"

namespace penstock {

// The forms in which values are read. Every other type is read as text, because its binary form is
// not documented or not stable between versions.
enum class WireBase : uint8_t {
  kInt8,
  kFloat4,
  kFloat8,
  kNumeric,
  kBool,
  kText,
  kUuid,
  kDate,
  kTimestamp,
  kTimestampTz,
  kInterval,
  kJson,
  kJsonb,
  kBytea,
};

struct WireType {
  WireBase base = WireBase::kText;
  bool array = false;

  std::string Sql() const;  // the cast: "int8", "text[]"
  uint32_t Oid() const;     // of that type
  Types Values() const;     // what its values are to the mapping's functions
  friend bool operator==(const WireType&, const WireType&) = default;
};

// How a column of this type is read: small integers widened to int8, enums and unknown types as
// text.
WireType WireTypeFor(const ColumnType& type);

}  // namespace penstock
