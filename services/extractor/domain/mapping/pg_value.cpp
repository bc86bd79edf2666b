#include "services/extractor/domain/mapping/pg_value.h"

#include <charconv>

#include "services/common/values/json_text.h"
#include "services/extractor/domain/mapping/big_endian.h"

namespace penstock {
namespace {

constexpr uint32_t kBool = 16, kInt8 = 20, kText = 25, kJson = 114;

uint32_t PgTypeOfConstant(const std::string& json) {
  std::string scratch;
  Value value;
  if (!IsJson(json) || JsonAt(json, {}, scratch, value).has_value()) return kText;
  switch (value.kind) {
    case Value::Kind::kInteger:
      return value.text.size() < 19 ? kInt8 : kText;
    case Value::Kind::kBoolean:
      return kBool;
    case Value::Kind::kJson:
      return kJson;
    default:
      return kText;
  }
}

}  // namespace

uint32_t PgTypeOf(const FieldProgram& field) {
  if (field.plain) return field.from.type.Oid();
  if (!field.transforms.empty()) return kText;
  switch (field.cast) {
    case Cast::kInteger:
      return kInt8;
    case Cast::kBoolean:
      return kBool;
    case Cast::kNone:
      return field.from.column < 0 ? PgTypeOfConstant(field.constant_json) : kText;
    default:
      return kText;
  }
}

MaybeError AppendPgValue(std::string& out, uint32_t pg_type, const Value& value) {
  if (pg_type == kBool) {
    out += value.text == "true" ? '\1' : '\0';
  } else if (pg_type == kInt8) {
    int64_t number = 0;
    const char* end = value.text.data() + value.text.size();
    auto [stop, error] = std::from_chars(value.text.data(), end, number);
    if (error != std::errc() || stop != end) return CastFailed("it is out of range of a bigint");
    AppendBig(out, number);
  } else {
    out += value.text;
  }
  return std::nullopt;
}

}  // namespace penstock
