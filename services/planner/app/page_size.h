#pragma once

#include <cstdint>

#include "absl/status/statusor.h"

namespace penstock::planner {

// How many a list gives at once: what was asked for, or 50 for 0. INVALID_REQUEST below 0 and above
// 1000.
absl::StatusOr<int32_t> PageSize(int32_t asked);

}  // namespace penstock::planner
