#include "services/common/functions/implementations.h"
#include "services/common/values/decimal.h"

// What is NULL, and what stands in its place.
namespace penstock::functions {
namespace {

bool IsNumber(Value::Kind kind) {
  return kind == Value::Kind::kInteger || kind == Value::Kind::kNumber;
}

}  // namespace

MaybeError Default(const FunctionCall& call, Value& value, std::string&) {
  value = {call.arguments[0].kind, call.arguments[0].text};
  return std::nullopt;
}

// The columns' texts lie in buffers of their own, which the next function may use again.
MaybeError Coalesce(const FunctionCall& call, Value& value, std::string& out) {
  for (const Value& column : call.columns) {
    if (column.null()) continue;
    out = column.text;
    value = {column.kind, out};
    return std::nullopt;
  }
  return std::nullopt;
}

MaybeError NullIf(const FunctionCall& call, Value& value, std::string&) {
  const Argument& other = call.arguments[0];
  if (value.text == other.text ||
      (IsNumber(value.kind) && IsNumber(other.kind) && SameNumber(value.text, other.text)))
    value = {};
  return std::nullopt;
}

}  // namespace penstock::functions
