#pragma once

#include <string>

#include "absl/status/status.h"
#include "penstock/v1/run.pb.h"
#include "services/common/core/error_codes.h"

namespace penstock {

// An error as runs show it: with who must act.
v1::RunError RunErrorOf(ErrorCode code, std::string message);
// INTERNAL when the status has no code of ours.
v1::RunError RunErrorOf(const absl::Status& status);

}  // namespace penstock
