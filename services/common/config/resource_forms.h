#pragma once

#include <boost/json/array.hpp>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/common/config/resource_fields.h"

// The forms of single values, and of lists and mappings of them.
namespace penstock {

struct TextForm {
  static void Read(const YamlValue& value, const FieldScope& scope, std::string& out);
  static JsonSchema Schema();
};

// The name of a resource.
struct NameForm {
  static void Read(const YamlValue& value, const FieldScope& scope, std::string& out);
  static JsonSchema Schema();
};

struct BoolForm {
  static void Read(const YamlValue& value, const FieldScope& scope, bool& out);
  static JsonSchema Schema();
};

// int64_t, uint64_t, uint32_t or int.
struct NumberForm {
  template <std::integral T>
  static void Read(const YamlValue& value, const FieldScope& scope, T& out);
  static JsonSchema Schema();
};

// "30s"
struct DurationForm {
  static void Read(const YamlValue& value, const FieldScope& scope, std::chrono::milliseconds& out);
  static JsonSchema Schema();
};

// "500kB" or a number of bytes.
struct SizeForm {
  static void Read(const YamlValue& value, const FieldScope& scope, uint64_t& out);
  static JsonSchema Schema();
};

// "20%" or a number from 0 to 1.
struct FractionForm {
  static void Read(const YamlValue& value, const FieldScope& scope, double& out);
  static JsonSchema Schema();
};

// Anything, as JSON text.
struct JsonForm {
  static void Read(const YamlValue& value, const FieldScope& scope, std::string& out);
  static JsonSchema Schema();
};

// Text, a number or a boolean, as it is written.
struct PlainForm {
  static void Read(const YamlValue& value, const FieldScope& scope, std::string& out);
  static JsonSchema Schema();
};

// Scalars in nested mappings, by dotted path. Its schema names itself: kConfigSchema is where.
inline constexpr std::string_view kConfigSchema = "#/definitions/config";
struct ConfigForm {
  static void Read(const YamlValue& value, const FieldScope& scope,
                   std::map<std::string, std::string>& out);
  static JsonSchema Schema();
};

template <typename Form>
struct OptionalForm {
  template <typename T>
  static void Read(const YamlValue& value, const FieldScope& scope, std::optional<T>& out) {
    T read = out.value_or(T{});
    Form::Read(value, scope, read);
    out = std::move(read);
  }
  static JsonSchema Schema() { return Form::Schema(); }
};

// False after saying so when the value is no list.
bool ExpectList(const YamlValue& value, const FieldScope& scope);

// What is written takes the place of what was there.
template <typename Form>
struct ListForm {
  template <typename T>
  static void Read(const YamlValue& value, const FieldScope& scope, std::vector<T>& out) {
    if (!ExpectList(value, scope)) return;
    out.clear();
    for (size_t i = 0; i < value.items.size(); ++i)
      Form::Read(value.items[i], scope.Item(i, value.items[i].line), out.emplace_back());
  }
  static JsonSchema Schema() { return {{"type", "array"}, {"items", Form::Schema()}}; }
};

// Values by names that the user gives.
template <typename Form>
struct MapForm {
  template <typename T>
  static void Read(const YamlValue& value, const FieldScope& scope, std::map<std::string, T>& out) {
    if (!ExpectMap(value, scope)) return;
    for (const YamlMember& member : value.members) {
      FieldScope field = scope.Child(member.key, member.line);
      field.Remember();
      Form::Read(member.value, field, out[member.key]);
    }
  }
  static JsonSchema Schema() {
    return {{"type", "object"}, {"additionalProperties", Form::Schema()}};
  }
};

template <>
struct FormOf<std::string> : TextForm {};
template <>
struct FormOf<bool> : BoolForm {};
template <std::integral T>
struct FormOf<T> : NumberForm {};
template <>
struct FormOf<std::chrono::milliseconds> : DurationForm {};
template <typename T>
struct FormOf<std::optional<T>> : OptionalForm<FormOf<T>> {};
template <typename T>
struct FormOf<std::vector<T>> : ListForm<FormOf<T>> {};
template <typename T>
struct FormOf<std::map<std::string, T>> : MapForm<FormOf<T>> {};

// A word that stands for a value, or, without one, for what a later version will know.
template <typename T>
struct Choice {
  using Value = T;
  std::string_view name;
  std::optional<T> value;
};

// Says that `word` is none of `names`.
void FailChoice(std::string_view word, const FieldScope& scope,
                std::span<const std::string_view> names);

// One of the words of a table.
template <const auto& kChoices>
struct ChoiceForm {
  using T = typename std::remove_cvref_t<decltype(kChoices[0])>::Value;

  static void Read(const YamlValue& value, const FieldScope& scope, T& out) {
    std::string word;
    PlainForm::Read(value, scope, word);
    if (!word.empty()) ReadWord(word, scope, out);
  }
  static void ReadWord(std::string_view word, const FieldScope& scope, T& out) {
    for (const Choice<T>& choice : kChoices) {
      if (choice.name != word) continue;
      if (!choice.value.has_value())
        return scope.Fail(fmt::format("\"{}\" is not supported yet", word));
      out = *choice.value;
      return;
    }
    FailChoice(word, scope, Names());
  }
  static std::vector<std::string_view> Names() {
    std::vector<std::string_view> names;
    for (const Choice<T>& choice : kChoices) {
      if (choice.value.has_value()) names.push_back(choice.name);
    }
    return names;
  }
  static JsonSchema Schema() {
    boost::json::array names;
    for (const std::string_view name : Names()) names.emplace_back(name);
    return {{"enum", std::move(names)}};
  }
};

}  // namespace penstock
