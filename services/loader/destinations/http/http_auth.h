#pragma once

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "services/common/model/resources.h"

namespace penstock::loader {

// The header that authenticates requests, name and value; an empty name for type none. `auth` is a
// connector's or Destination's: type none | bearer (token) | basic (user, password) | header
// (header, token), whose values may hold ${config.x}. INVALID_CONFIGURATION naming what is missing;
// never with a value.
absl::StatusOr<std::pair<std::string, std::string>> AuthHeader(const Config& auth,
                                                               const Config& config);

}  // namespace penstock::loader
