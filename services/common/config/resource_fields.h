#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "services/common/config/dbt_project.h"
#include "services/common/config/resource_places.h"
#include "services/common/config/resource_yaml.h"
#include "services/common/core/nearest.h"

// Reads mappings of a resource by tables of fields: each table is the list of what may stand there,
// and the JSON Schema of it.
namespace penstock {

// What reading one resource adds to.
struct ResourceReading {
  const std::string& file;
  std::string kind;
  std::string name;
  std::vector<ResourceError>& errors;
  ResourcePlaces& places;
  DbtProjects& dbt;
};

// The place of one value in a resource, for errors.
class FieldScope {
 public:
  FieldScope(ResourceReading& reading, std::string path, int line)
      : reading_(&reading), path_(std::move(path)), line_(line) {}

  FieldScope Child(std::string_view name, int line) const {
    return {*reading_, path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name), line};
  }
  FieldScope Item(size_t index, int line) const {
    return {*reading_, fmt::format("{}[{}]", path_, index), line};
  }
  // "file:line: path: message"
  void Fail(std::string_view message) const { FailPlain(fmt::format("{}: {}", path_, message)); }
  // Without the path, for messages that name the field themselves.
  void FailPlain(std::string message) const {
    reading_->errors.push_back({{reading_->file, line_},
                                ViolationPath(reading_->kind, reading_->name, path_),
                                std::move(message)});
  }
  void Remember() const { RememberAt({reading_->file, line_}); }
  // Where another file has what the field stands for.
  void RememberAt(FilePlace place) const {
    reading_->places.Add(reading_->kind, reading_->name, path_, std::move(place));
  }
  const std::string& file() const { return reading_->file; }
  DbtProjects& dbt() const { return reading_->dbt; }

 private:
  ResourceReading* reading_;
  std::string path_;
  int line_;
};

using JsonSchema = boost::json::object;

// How a value of T is written: what reads it, and what JSON Schema says of it. Reading says what
// form is right when the value is of another one, and then leaves `out` as it was.
//
// A form is a type with static Read(value, scope, T& out) and Schema(); FormOf<T> is the usual one.
template <typename T>
struct FieldForm {
  void (*read)(const YamlValue& value, const FieldScope& scope, T& out) = nullptr;
  JsonSchema (*schema)() = nullptr;
};

template <typename T>
struct FormOf;

// A field of T. Without a form it is one that a later version will know.
template <typename T>
struct Field {
  using Owner = T;
  std::string_view name;
  FieldForm<T> form = {};
  std::string_view help = {};  // for people who write it
  bool required = false;       // the rules (model/validate.h) say so
};

// For tables: reads a member by a form.
template <typename T>
struct MemberOf;
template <typename Class, typename Member>
struct MemberOf<Member Class::*> {
  using Owner = Class;
  using Value = Member;
};
template <auto kMember, typename Form>
void ReadMember(const YamlValue& value, const FieldScope& scope,
                typename MemberOf<decltype(kMember)>::Owner& out) {
  Form::Read(value, scope, out.*kMember);
}
template <auto kMember, typename Form = FormOf<typename MemberOf<decltype(kMember)>::Value>>
inline constexpr FieldForm<typename MemberOf<decltype(kMember)>::Owner> Into = {
    &ReadMember<kMember, Form>, &Form::Schema};
// The same for a member of a member, where a draft holds what is read.
template <auto kPart, auto kMember,
          typename Form = FormOf<typename MemberOf<decltype(kMember)>::Value>>
inline constexpr FieldForm<typename MemberOf<decltype(kPart)>::Owner> IntoPart = {
    [](const YamlValue& value, const FieldScope& scope, auto& out) {
      Form::Read(value, scope, out.*kPart.*kMember);
    },
    &Form::Schema};

// False after saying so when the value is no mapping.
bool ExpectMap(const YamlValue& value, const FieldScope& scope);

// Says that a field is not one of `names`, with the nearest of them.
void FailUnknown(std::string_view field, const FieldScope& scope,
                 std::span<const std::string_view> names);

template <typename T>
void ReadFields(const YamlValue& value, const FieldScope& scope, std::span<const Field<T>> fields,
                T& out) {
  if (!ExpectMap(value, scope)) return;
  for (const YamlMember& member : value.members) {
    FieldScope field = scope.Child(member.key, member.line);
    const Field<T>* known = nullptr;
    for (const Field<T>& one : fields) {
      if (one.name == member.key) known = &one;
    }
    if (known == nullptr) {
      std::vector<std::string_view> names;
      for (const Field<T>& one : fields) names.push_back(one.name);
      FailUnknown(member.key, field, names);
    } else if (known->form.read == nullptr) {
      field.Fail("not supported yet; remove it");
    } else {
      field.Remember();
      known->form.read(member.value, field, out);
    }
  }
}

template <typename T>
JsonSchema FieldsSchema(std::span<const Field<T>> fields) {
  boost::json::object properties;
  boost::json::array required;
  for (const Field<T>& field : fields) {
    if (field.form.schema == nullptr) continue;
    JsonSchema schema = field.form.schema();
    schema["description"] = field.help;
    properties[field.name] = std::move(schema);
    if (field.required) required.emplace_back(field.name);
  }
  JsonSchema out = {{"type", "object"}, {"additionalProperties", false}};
  if (!required.empty()) out["required"] = std::move(required);
  out["properties"] = std::move(properties);
  return out;
}

// The form of a mapping of named fields.
template <const auto& kFields>
struct FieldsForm {
  using T = typename std::remove_cvref_t<decltype(kFields[0])>::Owner;
  static void Read(const YamlValue& value, const FieldScope& scope, T& out) {
    ReadFields<T>(value, scope, kFields, out);
  }
  static JsonSchema Schema() { return FieldsSchema<T>(kFields); }
};

}  // namespace penstock
