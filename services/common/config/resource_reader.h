#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/common/config/resource_places.h"
#include "services/common/model/resources.h"

namespace penstock {

class DbtProjects;

// What files declare. Resources with errors are there as far as they could be read, so that
// references to them are found.
struct DeclaredResources {
  std::vector<Resource> resources;
  std::vector<ResourceError> errors;  // all of them, in the order of files and lines
  ResourcePlaces places;
  std::set<std::pair<size_t, std::string>> names;  // index in Resource, and name, of all resources
};

// Reads the YAML documents of `text`; `file` is its name in errors, and other files that it names
// are found from there.
void ReadResources(const std::string& file, std::string_view text, DeclaredResources& out);
// The same for one of several files, which share what they name of dbt.
void ReadResources(const std::string& file, std::string_view text, DbtProjects& dbt,
                   DeclaredResources& out);

// Reads files, and folders with all *.yaml and *.yml below them, in the order of names. What can't
// be read is an error like others.
DeclaredResources ReadResourceFiles(const std::vector<std::string>& paths);

}  // namespace penstock
