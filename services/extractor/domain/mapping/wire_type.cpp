#include "services/extractor/domain/mapping/wire_type.h"

#include <algorithm>
#include <array>

namespace penstock {
namespace {

struct BaseInfo {
  WireBase base;
  const char* sql;
  uint32_t oid;
  uint32_t array_oid;
};

// The OIDs of built-in types are fixed (pg_type.dat). In the order of WireBase.
constexpr std::array<BaseInfo, 14> kBases{{
    {WireBase::kInt8, "int8", 20, 1016},
    {WireBase::kFloat4, "float4", 700, 1021},
    {WireBase::kFloat8, "float8", 701, 1022},
    {WireBase::kNumeric, "numeric", 1700, 1231},
    {WireBase::kBool, "bool", 16, 1000},
    {WireBase::kText, "text", 25, 1009},
    {WireBase::kUuid, "uuid", 2950, 2951},
    {WireBase::kDate, "date", 1082, 1182},
    {WireBase::kTimestamp, "timestamp", 1114, 1115},
    {WireBase::kTimestampTz, "timestamptz", 1184, 1185},
    {WireBase::kInterval, "interval", 1186, 1187},
    {WireBase::kJson, "json", 114, 199},
    {WireBase::kJsonb, "jsonb", 3802, 3807},
    {WireBase::kBytea, "bytea", 17, 1001},
}};

constexpr uint32_t kInt2Oid = 21, kInt4Oid = 23, kOidOid = 26;

const BaseInfo& Info(WireBase base) {
  return kBases[static_cast<size_t>(base)];
}

WireBase BaseFor(uint32_t oid) {
  if (oid == kInt2Oid || oid == kInt4Oid || oid == kOidOid) return WireBase::kInt8;
  const auto* known =
      std::find_if(kBases.begin(), kBases.end(), [&](const BaseInfo& b) { return b.oid == oid; });
  return known == kBases.end() ? WireBase::kText : known->base;
}

}  // namespace

std::string WireType::Sql() const {
  return std::string(Info(base).sql) + (array ? "[]" : "");
}

uint32_t WireType::Oid() const {
  return array ? Info(base).array_oid : Info(base).oid;
}

Types WireType::Values() const {
  if (array) return types::kList;
  switch (base) {
    case WireBase::kInt8:
      return types::kInteger;
    case WireBase::kFloat4:
    case WireBase::kFloat8:
    case WireBase::kNumeric:
      return types::kNumeric;
    case WireBase::kBool:
      return types::kBoolean;
    case WireBase::kDate:
      return types::kDate;
    case WireBase::kTimestamp:
    case WireBase::kTimestampTz:
      return types::kTimestamp;
    case WireBase::kJson:
    case WireBase::kJsonb:
      return types::kAny;
    case WireBase::kText:
    case WireBase::kUuid:
    case WireBase::kInterval:
    case WireBase::kBytea:
      return types::kText;
  }
  return types::kAny;
}

WireType WireTypeFor(const ColumnType& type) {
  if (type.element_oid != 0) return {.base = BaseFor(type.element_oid), .array = true};
  return {.base = BaseFor(type.oid), .array = false};
}

}  // namespace penstock
