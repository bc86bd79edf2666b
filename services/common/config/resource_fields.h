#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "services/common/config/dbt_project.h"
#include "services/common/config/resource_places.h"
#include "services/common/config/resource_yaml.h"
#include "services/common/core/nearest.h"

// Reads mappings of a resource by tables of fields: each table is the list of what may stand there.
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

// A field of T. Without `read` it is one that a later version will know.
template <typename T>
struct Field {
  std::string_view name;
  void (*read)(const YamlValue& value, const FieldScope& scope, T& out) = nullptr;
};

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
    } else if (known->read == nullptr) {
      field.Fail("not supported yet; remove it");
    } else {
      field.Remember();
      known->read(member.value, field, out);
    }
  }
}

// For tables: reads into a member by the overload of Read() for its type, or by `kRead`.
template <typename T>
struct MemberOf;
template <typename Class, typename Value>
struct MemberOf<Value Class::*> {
  using Owner = Class;
};
template <auto kMember>
void Into(const YamlValue& value, const FieldScope& scope,
          typename MemberOf<decltype(kMember)>::Owner& out) {
  Read(value, scope, out.*kMember);
}
template <auto kMember, auto kRead>
void IntoBy(const YamlValue& value, const FieldScope& scope,
            typename MemberOf<decltype(kMember)>::Owner& out) {
  kRead(value, scope, out.*kMember);
}

}  // namespace penstock
