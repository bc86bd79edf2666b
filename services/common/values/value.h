#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "services/common/core/error_codes.h"

namespace penstock {

// A value on its way through a mapping: what kind it is and its text. The text points into the row,
// the mapping or a scratch buffer of the caller.
struct Value {
  enum class Kind : uint8_t {
    kNull,
    kInteger,  // digits with an optional minus
    kNumber,   // a JSON number
    kBoolean,  // "true" or "false"
    kText,     // UTF-8
    kJson,     // an object or array as JSON text
  };
  Kind kind = Kind::kNull;
  std::string_view text = {};
  bool null() const { return kind == Kind::kNull; }
};

// Why a value can't be used. `reason` completes "field \"email\": ..." and never holds the value.
struct ValueError {
  ErrorCode code = ErrorCode::kCAST_FAILED;
  std::string reason;
};
using MaybeError = std::optional<ValueError>;

inline ValueError NotRepresentable(std::string_view reason) {
  return {ErrorCode::kVALUE_NOT_REPRESENTABLE, std::string(reason)};
}
inline ValueError CastFailed(std::string_view reason) {
  return {ErrorCode::kCAST_FAILED, std::string(reason)};
}

}  // namespace penstock
