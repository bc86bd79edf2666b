#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "services/common/core/secret.h"

namespace penstock {

// A password that a file holds, without the newline that may end it. INVALID_CONFIGURATION names
// the file when it can't be read, is empty or has several lines.
absl::StatusOr<Secret> ReadSecretFile(const std::string& path);

}  // namespace penstock
