#include "services/common/functions/implementations.h"
#include "services/common/values/decimal.h"

namespace penstock::functions {

MaybeError RoundNumber(const FunctionCall& call, Value& value, std::string& out) {
  Decimal number;
  if (!ReadDecimal(value.text, number)) return CastFailed("it has more digits than can be rounded");
  Round(number, call.arguments[0].number);
  AppendDecimal(out, number);
  value = {number.scale() > 0 ? Value::Kind::kNumber : Value::Kind::kInteger, out};
  return std::nullopt;
}

MaybeError Abs(const FunctionCall&, Value& value, std::string&) {
  if (value.text.starts_with('-')) value.text.remove_prefix(1);
  return std::nullopt;
}

}  // namespace penstock::functions
