#include <algorithm>

#include "services/common/functions/implementations.h"
#include "services/common/values/utf8.h"

namespace penstock::functions {
namespace {

MaybeError SetText(Value& value, std::string_view text) {
  value = {Value::Kind::kText, text};
  return std::nullopt;
}

// Where the character of that number begins; the text's end when it has fewer.
size_t Offset(std::string_view text, int64_t character) {
  std::string_view rest = text;
  while (character-- > 0 && !rest.empty()) TakeUtf8(rest);
  return text.size() - rest.size();
}

int64_t CountCharacters(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

}  // namespace

MaybeError TrimText(const FunctionCall&, Value& value, std::string&) {
  return SetText(value, Trim(value.text));
}

MaybeError Lower(const FunctionCall&, Value& value, std::string& out) {
  AppendLower(out, value.text);
  return SetText(value, out);
}

MaybeError Upper(const FunctionCall&, Value& value, std::string& out) {
  AppendUpper(out, value.text);
  return SetText(value, out);
}

MaybeError Title(const FunctionCall&, Value& value, std::string& out) {
  AppendTitle(out, value.text);
  return SetText(value, out);
}

MaybeError Slice(const FunctionCall& call, Value& value, std::string&) {
  int64_t start = call.arguments[0].number;
  if (start < 0) start = std::max<int64_t>(0, CountCharacters(value.text) + start);
  std::string_view rest = value.text.substr(Offset(value.text, start));
  if (call.arguments[1].given) rest = rest.substr(0, Offset(rest, call.arguments[1].number));
  return SetText(value, rest);
}

MaybeError Replace(const FunctionCall& call, Value& value, std::string& out) {
  const std::string& from = call.arguments[0].text;
  std::string_view rest = value.text;
  for (size_t at = rest.find(from); at != rest.npos; at = rest.find(from)) {
    out += rest.substr(0, at);
    out += call.arguments[1].text;
    rest.remove_prefix(at + from.size());
    if (out.size() > kMaxResultBytes) return TooLarge();
  }
  out += rest;
  return SetText(value, out);
}

}  // namespace penstock::functions
