#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/common/config/resource_fields.h"

// Readers of single values; each says what form is right when the value is of another one and then
// leaves `out` as it was.
namespace penstock {

void Read(const YamlValue& value, const FieldScope& scope, std::string& out);
void Read(const YamlValue& value, const FieldScope& scope, bool& out);
void Read(const YamlValue& value, const FieldScope& scope, int64_t& out);
void Read(const YamlValue& value, const FieldScope& scope, uint64_t& out);
void Read(const YamlValue& value, const FieldScope& scope, uint32_t& out);
void Read(const YamlValue& value, const FieldScope& scope, int& out);
void Read(const YamlValue& value, const FieldScope& scope, std::chrono::milliseconds& out);

template <typename T>
void Read(const YamlValue& value, const FieldScope& scope, std::optional<T>& out) {
  T read = out.value_or(T{});
  Read(value, scope, read);
  out = std::move(read);
}

// False after saying so when the value is no list.
bool ExpectList(const YamlValue& value, const FieldScope& scope);

template <typename T>
void Read(const YamlValue& value, const FieldScope& scope, std::vector<T>& out) {
  if (!ExpectList(value, scope)) return;
  for (size_t i = 0; i < value.items.size(); ++i)
    Read(value.items[i], scope.Item(i, value.items[i].line), out.emplace_back());
}

template <typename T>
void Read(const YamlValue& value, const FieldScope& scope, std::map<std::string, T>& out) {
  if (!ExpectMap(value, scope)) return;
  for (const YamlMember& member : value.members) {
    FieldScope field = scope.Child(member.key, member.line);
    field.Remember();
    Read(member.value, field, out[member.key]);
  }
}

// "500kB" or a number of bytes.
void ReadSize(const YamlValue& value, const FieldScope& scope, uint64_t& out);
// "20%" or a number from 0 to 1.
void ReadFraction(const YamlValue& value, const FieldScope& scope, double& out);
// Anything, as JSON text.
void ReadJson(const YamlValue& value, const FieldScope& scope, std::string& out);
void ReadOptionalJson(const YamlValue& value, const FieldScope& scope,
                      std::optional<std::string>& out);
// Text, a number or a boolean, as it is written.
void ReadScalarText(const YamlValue& value, const FieldScope& scope, std::string& out);
// Scalars in nested mappings, by dotted path.
void ReadFlat(const YamlValue& value, const FieldScope& scope,
              std::map<std::string, std::string>& out);
// Scalars by name.
void ReadTexts(const YamlValue& value, const FieldScope& scope,
               std::map<std::string, std::string>& out);

// A word that stands for a value, or, without one, for what a later version will know.
template <typename T>
struct Choice {
  std::string_view name;
  std::optional<T> value;
};

// Says that `word` is none of `names`.
void FailChoice(std::string_view word, const FieldScope& scope,
                std::span<const std::string_view> names);

template <typename T>
void ReadChoice(const YamlValue& value, const FieldScope& scope, std::span<const Choice<T>> choices,
                T& out) {
  std::string word;
  ReadScalarText(value, scope, word);
  if (word.empty()) return;
  std::vector<std::string_view> names;
  for (const Choice<T>& choice : choices) {
    if (choice.name != word) {
      if (choice.value.has_value()) names.push_back(choice.name);
    } else if (choice.value.has_value()) {
      out = *choice.value;
      return;
    } else {
      return scope.Fail(fmt::format("\"{}\" is not supported yet", word));
    }
  }
  FailChoice(word, scope, names);
}

}  // namespace penstock
