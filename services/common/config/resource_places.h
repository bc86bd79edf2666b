#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock {

// A line of a file, from 1; 0: the file as a whole.
struct FilePlace {
  std::string file;
  int line = 0;
};

// Where the fields of resources stand in their files, so that what a service says about
// "Sync/customers-to-crm: spec.mapping.email.from" can be told by file and line.
class ResourcePlaces {
 public:
  // `field` is a path as "spec.mapping.email"; empty: the resource itself.
  void Add(std::string_view kind, std::string_view name, std::string_view field, FilePlace place);

  // The place of the field, or of the nearest one around it; nullopt when the resource is unknown.
  std::optional<FilePlace> Find(std::string_view kind, std::string_view name,
                                std::string_view field) const;
  // The same for the one text that services send: "Kind/name: field" or "Kind/name".
  std::optional<FilePlace> Find(std::string_view violation) const;

 private:
  std::map<std::string, FilePlace, std::less<>> places_;
};

// "Kind/name: field", the form in which services name a field to their callers.
std::string ViolationPath(std::string_view kind, std::string_view name, std::string_view field);

// Something wrong in a file.
struct ResourceError {
  FilePlace place;
  std::string violation;  // ViolationPath of the field; empty where no resource can be named
  std::string message;

  // "syncs/crm.yaml:14: …"
  std::string ToString() const;
};

}  // namespace penstock
