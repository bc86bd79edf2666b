#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/exit_code.h"
#include "services/common/config/resource_places.h"

namespace penstock::cli {

// An error of the API as lines for people: each field violation by the file and line where that
// field was read, or by its path when no file declared it. Empty when the error has no violations.
std::vector<std::string> ViolationLines(const absl::Status& status, const ResourcePlaces& places);

// Prints what is wrong with files that were read, and what the server says of what they declare.
// Nothing was changed then.
ExitCode FailFiles(const std::vector<ResourceError>& errors);
ExitCode FailDeclared(const absl::Status& status, const ResourcePlaces& places);

}  // namespace penstock::cli
