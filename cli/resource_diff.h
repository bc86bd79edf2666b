#pragma once

#include <string>
#include <vector>

#include "services/common/config/resource_yaml.h"

namespace penstock::cli {

// A field that differs, in one line of YAML; empty: it is not there.
struct FieldChange {
  std::string path;  // "spec.mapping.email.transform"
  std::string from;
  std::string to;
  friend bool operator==(const FieldChange&, const FieldChange&) = default;
};

// What changes `before` into `after`, in the order of `after`, then what goes. Mappings are
// compared field by field, all else as a whole.
std::vector<FieldChange> DiffDocuments(const YamlValue& before, const YamlValue& after);

}  // namespace penstock::cli
