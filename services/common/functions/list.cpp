#include <utility>

#include "services/common/functions/implementations.h"
#include "services/common/values/json_text.h"

// Between texts, lists and JSON.
namespace penstock::functions {

MaybeError Split(const FunctionCall& call, Value& value, std::string& out) {
  const std::string& separator = call.arguments[0].text;
  std::string_view rest = value.text;
  out += '[';
  while (!value.text.empty()) {
    const size_t at = rest.find(separator);
    AppendJsonString(out, rest.substr(0, at));
    if (at == rest.npos) break;
    out += ',';
    rest.remove_prefix(at + separator.size());
  }
  out += ']';
  value = {Value::Kind::kJson, out};
  return std::nullopt;
}

MaybeError Join(const FunctionCall& call, Value& value, std::string& out) {
  std::string scratch;
  bool first = true;
  for (std::string_view element : JsonElements(value.text)) {
    Value one;
    if (MaybeError error = JsonAt(element, {}, scratch, one)) return error;
    if (one.null()) continue;
    if (!std::exchange(first, false)) out += call.arguments[0].text;
    out += one.text;
    if (out.size() > kMaxResultBytes) return TooLarge();
  }
  value = {Value::Kind::kText, out};
  return std::nullopt;
}

MaybeError ToJson(const FunctionCall&, Value& value, std::string& out) {
  if (value.kind == Value::Kind::kText) {
    AppendJsonString(out, value.text);
    value.text = out;
  }
  value.kind = Value::Kind::kText;
  return std::nullopt;
}

MaybeError ParseJson(const FunctionCall&, Value& value, std::string& out) {
  if (value.kind != Value::Kind::kText) return std::nullopt;
  if (!IsJson(value.text)) return CastFailed("it is not JSON");
  return JsonAt(value.text, {}, out, value);
}

}  // namespace penstock::functions
