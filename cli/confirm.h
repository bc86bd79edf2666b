#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "cli/exit_code.h"
#include "cli/session.h"

namespace penstock::cli {

// Describing many models over slow connections takes its time.
inline constexpr std::chrono::minutes kApplyTimeout{5};

// Asks a person whether to go on; who has no terminal must say --yes instead. nullopt: go on.
std::optional<ExitCode> Confirm();

// Applies `request`; unless `yes`, tells beforehand what that sends again, forgets or removes, and
// asks when there is any. `fail` reports what the server has against it.
ExitCode ConfirmAndApply(Session& session, v1::ApplyResourcesRequest request, bool yes,
                         const std::function<ExitCode(const absl::Status&)>& fail);

}  // namespace penstock::cli
