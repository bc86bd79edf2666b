#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace penstock::cli {

// As what an argument may be.
inline constexpr std::string_view kKindChoices = "{source,model,destination,connector,sync}";

// "sync", "syncs", "Sync" -> "Sync". INVALID_REQUEST with the nearest name.
absl::StatusOr<std::string> KindByName(std::string_view name);

}  // namespace penstock::cli
