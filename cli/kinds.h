#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace penstock::cli {

// "sync", "syncs", "Sync" -> "Sync". INVALID_REQUEST with the nearest name.
absl::StatusOr<std::string> KindByName(std::string_view name);

}  // namespace penstock::cli
