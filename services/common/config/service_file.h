#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace penstock {

// A field of a service's configuration file, as text: a list is joined by commas.
struct ServiceField {
  std::string name;
  std::string value;
  bool is_list = false;
  int line = 0;  // from 1
};

// Reads a flat YAML mapping. INVALID_CONFIGURATION with file and line for anything else, for a
// field given twice and for one without a value.
absl::StatusOr<std::vector<ServiceField>> ReadServiceFile(const std::string& path);

}  // namespace penstock
