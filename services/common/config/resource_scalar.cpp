#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <charconv>

#include "services/common/config/resource_yaml.h"

namespace penstock {
namespace {

bool AllOf(std::string_view text, std::string_view letters) {
  return !text.empty() && text.find_first_not_of(letters) == text.npos;
}

constexpr std::string_view kDigits = "0123456789";

std::string_view WithoutSign(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return text;
}

bool IsHexOrOctal(std::string_view text) {
  return (text.starts_with("0x") && AllOf(text.substr(2), "0123456789abcdefABCDEF")) ||
         (text.starts_with("0o") && AllOf(text.substr(2), "01234567"));
}

bool IsInteger(std::string_view text) {
  return AllOf(WithoutSign(text), kDigits) || IsHexOrOctal(text);
}

bool IsInfinityOrNan(std::string_view text) {
  std::string_view rest = WithoutSign(text);
  return rest == ".inf" || rest == ".Inf" || rest == ".INF" || text == ".nan" || text == ".NaN" ||
         text == ".NAN";
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool IsFloat(std::string_view text) {
  std::string_view rest = WithoutSign(text);
  if (size_t e = rest.find_first_of("eE"); e != rest.npos) {
    if (!AllOf(WithoutSign(rest.substr(e + 1)), kDigits)) return false;
    rest = rest.substr(0, e);
  }
  size_t dot = rest.find('.');
  std::string_view whole = rest.substr(0, dot);
  std::string_view part = dot == rest.npos ? std::string_view() : rest.substr(dot + 1);
  if (whole.empty()) return AllOf(part, kDigits);
  return AllOf(whole, kDigits) && (part.empty() || AllOf(part, kDigits));
}

// A core schema's number in JSON's grammar: no plus, no leading zeros, digits around the point.
std::optional<std::string> JsonNumber(std::string_view text) {
  if (IsHexOrOctal(text)) {
    uint64_t number = 0;
    auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), number,
                                        text[1] == 'x' ? 16 : 8);
    if (error != std::errc()) return std::nullopt;
    return std::to_string(number);
  }
  std::string out(text.starts_with('-') ? "-" : "");
  std::string_view rest = WithoutSign(text);
  size_t zeros = rest.find_first_not_of('0');
  rest.remove_prefix(std::min(zeros, rest.size()));
  if (rest.empty() || kDigits.find(rest.front()) == kDigits.npos) out += '0';
  size_t exponent = std::min(rest.find_first_of("eE"), rest.size());
  out += rest.substr(0, exponent);
  if (out.ends_with('.')) out += '0';
  out += rest.substr(exponent);
  return out;
}

std::string Quote(std::string_view text) {
  return boost::json::serialize(boost::json::value(boost::json::string(text)));
}

bool Append(const YamlValue& value, std::string& out);

bool AppendScalar(const YamlValue& value, std::string& out) {
  switch (TypeOf(value)) {
    case ScalarType::kNull:
      out += "null";
      return true;
    case ScalarType::kBool:
      out += (value.text[0] | 0x20) == 't' ? "true" : "false";
      return true;
    case ScalarType::kInteger:
    case ScalarType::kFloat: {
      if (IsInfinityOrNan(value.text)) return false;
      std::optional<std::string> number = JsonNumber(value.text);
      if (number.has_value()) out += *number;
      return number.has_value();
    }
    case ScalarType::kText:
      break;
  }
  out += Quote(value.text);
  return true;
}

bool AppendList(const YamlValue& value, std::string& out) {
  out += '[';
  for (const YamlValue& item : value.items) {
    if (&item != &value.items.front()) out += ',';
    if (!Append(item, out)) return false;
  }
  out += ']';
  return true;
}

bool AppendMap(const YamlValue& value, std::string& out) {
  out += '{';
  for (const YamlMember& member : value.members) {
    if (&member != &value.members.front()) out += ',';
    out += Quote(member.key) + ":";
    if (!Append(member.value, out)) return false;
  }
  out += '}';
  return true;
}

bool Append(const YamlValue& value, std::string& out) {
  switch (value.kind) {
    case YamlValue::Kind::kList:
      return AppendList(value, out);
    case YamlValue::Kind::kMap:
      return AppendMap(value, out);
    default:
      return AppendScalar(value, out);
  }
}

}  // namespace

// https://yaml.org/spec/1.2.2/#103-core-schema
ScalarType TypeOf(const YamlValue& scalar) {
  if (scalar.kind == YamlValue::Kind::kNull) return ScalarType::kNull;
  if (scalar.quoted) return ScalarType::kText;
  const std::string& text = scalar.text;
  for (std::string_view name : {"true", "True", "TRUE", "false", "False", "FALSE"}) {
    if (text == name) return ScalarType::kBool;
  }
  if (IsInteger(text)) return ScalarType::kInteger;
  if (IsFloat(text) || IsInfinityOrNan(text)) return ScalarType::kFloat;
  return ScalarType::kText;
}

std::string_view Describe(const YamlValue& value) {
  if (value.kind == YamlValue::Kind::kList) return "a list";
  if (value.kind == YamlValue::Kind::kMap) return "a mapping";
  switch (TypeOf(value)) {
    case ScalarType::kNull:
      return "nothing";
    case ScalarType::kBool:
      return "true or false";
    case ScalarType::kInteger:
    case ScalarType::kFloat:
      return "a number";
    case ScalarType::kText:
      break;
  }
  return "text";
}

std::optional<std::string> ToJson(const YamlValue& value) {
  std::string out;
  if (!Append(value, out)) return std::nullopt;
  return out;
}

}  // namespace penstock
