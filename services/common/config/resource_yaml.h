#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// YAML of resource files as a plain tree with line numbers. Scalars keep their text: their type is
// decided where they are used, by YAML 1.2's core schema, so `no` is a text and digits are not
// lost.
namespace penstock {

struct YamlMember;

struct YamlValue {
  enum class Kind : uint8_t { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  bool quoted = false;  // a quoted or block scalar: always a text
  int line = 0;         // from 1
  std::string text;     // kScalar
  std::vector<YamlValue> items;
  std::vector<YamlMember> members;  // in the order of the file; a key may stand there twice

  // The first member of that key; nullptr when there is none or this is no map.
  const YamlValue* Find(std::string_view key) const;
};

struct YamlMember {
  std::string key;                    // text of a scalar; the segments of a list, joined by dots
  std::vector<std::string> segments;  // of a list as key: a literal path; else empty
  int line = 0;
  YamlValue value;
};

struct YamlProblem {
  int line = 0;
  std::string message;
};

// What a scalar is by the core schema.
enum class ScalarType : uint8_t { kNull, kBool, kInteger, kFloat, kText };
ScalarType TypeOf(const YamlValue& scalar);
// "a number", "a list" …, for messages.
std::string_view Describe(const YamlValue& value);

// The documents of a stream, empty ones left out. Aliases, tags other than !!str, keys that are
// neither text nor a list of texts, over 64 levels and over 200,000 values are refused, so that no
// file grows by reading it. Reads on after a problem where it can; duplicate keys are problems too.
std::vector<YamlValue> ParseYaml(std::string_view text, std::vector<YamlProblem>& problems);

// The value as JSON text, numbers with all their digits. Infinities and NaN have none: nullopt.
std::optional<std::string> ToJson(const YamlValue& value);

}  // namespace penstock
