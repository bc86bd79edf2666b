#include "services/common/config/resource_forms.h"

#include <charconv>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "services/common/core/status.h"
#include "services/common/core/units.h"

namespace penstock {
namespace {

void FailType(std::string_view wanted, const YamlValue& value, const FieldScope& scope) {
  scope.Fail(fmt::format("must be {}, not {}", wanted, Describe(value)));
}

bool IsScalar(const YamlValue& value) {
  return value.kind == YamlValue::Kind::kScalar;
}

void Flatten(const YamlValue& value, const FieldScope& scope, const std::string& prefix,
             std::map<std::string, std::string>& out) {
  for (const YamlMember& member : value.members) {
    FieldScope field = scope.Child(member.key, member.line);
    field.Remember();
    std::string name = prefix.empty() ? member.key : prefix + "." + member.key;
    if (member.value.kind == YamlValue::Kind::kMap) {
      Flatten(member.value, field, name, out);
    } else if (out.contains(name)) {
      field.Fail("is given twice");
    } else {
      PlainForm::Read(member.value, field, out[name]);
    }
  }
}

}  // namespace

bool ExpectMap(const YamlValue& value, const FieldScope& scope) {
  if (value.kind == YamlValue::Kind::kMap) return true;
  FailType("a mapping", value, scope);
  return false;
}

bool ExpectList(const YamlValue& value, const FieldScope& scope) {
  if (value.kind == YamlValue::Kind::kList) return true;
  FailType("a list", value, scope);
  return false;
}

void FailUnknown(std::string_view field, const FieldScope& scope,
                 std::span<const std::string_view> names) {
  scope.FailPlain(fmt::format("unknown field \"{}\"{}", field, DidYouMean(field, names)));
}

void FailChoice(std::string_view word, const FieldScope& scope,
                std::span<const std::string_view> names) {
  scope.Fail(fmt::format("\"{}\" is not one of {}{}", word, fmt::join(names, ", "),
                         DidYouMean(word, names)));
}

void TextForm::Read(const YamlValue& value, const FieldScope& scope, std::string& out) {
  if (!IsScalar(value)) return FailType("text", value, scope);
  if (TypeOf(value) != ScalarType::kText)
    return scope.Fail(fmt::format("must be text; write \"{}\" in quotes", value.text));
  out = value.text;
}
JsonSchema TextForm::Schema() {
  return {{"type", "string"}};
}

void NameForm::Read(const YamlValue& value, const FieldScope& scope, std::string& out) {
  TextForm::Read(value, scope, out);
}
JsonSchema NameForm::Schema() {
  return {{"type", "string"}, {"pattern", "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"}};
}

void BoolForm::Read(const YamlValue& value, const FieldScope& scope, bool& out) {
  if (!IsScalar(value) || TypeOf(value) != ScalarType::kBool)
    return FailType("true or false", value, scope);
  out = (value.text[0] | 0x20) == 't';
}
JsonSchema BoolForm::Schema() {
  return {{"type", "boolean"}};
}

template <std::integral T>
void NumberForm::Read(const YamlValue& value, const FieldScope& scope, T& out) {
  if (!IsScalar(value) || TypeOf(value) != ScalarType::kInteger)
    return FailType("a whole number", value, scope);
  std::string_view text = value.text;
  if (text.starts_with('+')) text.remove_prefix(1);
  T number{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    return scope.Fail(fmt::format("{} is out of range", value.text));
  out = number;
}
template void NumberForm::Read(const YamlValue&, const FieldScope&, int64_t&);
template void NumberForm::Read(const YamlValue&, const FieldScope&, uint64_t&);
template void NumberForm::Read(const YamlValue&, const FieldScope&, uint32_t&);
template void NumberForm::Read(const YamlValue&, const FieldScope&, int&);
// No number of the language may be negative.
JsonSchema NumberForm::Schema() {
  return {{"type", "integer"}, {"minimum", 0}};
}

void DurationForm::Read(const YamlValue& value, const FieldScope& scope,
                        std::chrono::milliseconds& out) {
  if (!IsScalar(value)) return FailType("a duration", value, scope);
  absl::StatusOr<Duration> duration = ParseDuration(value.text);
  if (!duration.ok()) return scope.Fail(Std(duration.status().message()));
  out = std::chrono::duration_cast<std::chrono::milliseconds>(*duration);
}
JsonSchema DurationForm::Schema() {
  return {{"type", "string"}, {"pattern", "^(?=.)(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?(\\d+ms)?$"}};
}

void SizeForm::Read(const YamlValue& value, const FieldScope& scope, uint64_t& out) {
  if (!IsScalar(value)) return FailType("a size", value, scope);
  absl::StatusOr<uint64_t> size = ParseByteSize(value.text);
  if (!size.ok()) return scope.Fail(Std(size.status().message()));
  out = *size;
}
JsonSchema SizeForm::Schema() {
  return {{"type", {"string", "integer"}},
          {"pattern", "^\\d+(B|kB|KiB|MB|MiB|GB|GiB|TB|TiB)?$"},
          {"minimum", 0}};
}

void FractionForm::Read(const YamlValue& value, const FieldScope& scope, double& out) {
  std::string_view text = value.text;
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (percent) number /= 100;
  if (!IsScalar(value) || error != std::errc() || end != text.data() + text.size() ||
      !(number >= 0 && number <= 1))
    return scope.Fail("must be a part of all, written like 20% or 0.2");
  out = number;
}
JsonSchema FractionForm::Schema() {
  return {{"type", {"string", "number"}},
          {"pattern", "^\\d+(\\.\\d+)?%$"},
          {"minimum", 0},
          {"maximum", 1}};
}

void JsonForm::Read(const YamlValue& value, const FieldScope& scope, std::string& out) {
  if (std::optional<std::string> json = ToJson(value)) {
    out = std::move(*json);
  } else {
    scope.Fail("infinities and NaN can't be sent");
  }
}
JsonSchema JsonForm::Schema() {
  return {};
}

void PlainForm::Read(const YamlValue& value, const FieldScope& scope, std::string& out) {
  if (!IsScalar(value)) return FailType("text", value, scope);
  out = value.text;
}
JsonSchema PlainForm::Schema() {
  return {{"type", {"string", "number", "boolean"}}};
}

void ConfigForm::Read(const YamlValue& value, const FieldScope& scope,
                      std::map<std::string, std::string>& out) {
  if (ExpectMap(value, scope)) Flatten(value, scope, "", out);
}
JsonSchema ConfigForm::Schema() {
  return {{"type", "object"},
          {"additionalProperties", {{"anyOf", {PlainForm::Schema(), {{"$ref", kConfigSchema}}}}}}};
}

}  // namespace penstock
