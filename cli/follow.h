#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "cli/session.h"

namespace penstock::cli {

struct Followed {
  ExitCode code = ExitCode::kFailed;
  std::optional<v1::Run> run;  // as last seen; nothing when it was never seen
};

// Follows a run to its end and shows its progress on stderr. A server that goes away is asked again
// until it answers, up to a minute. Ctrl-C detaches: the run goes on. `timeout` 0: none. What went
// wrong has been printed.
Followed Follow(Session& session, const std::string& run_id, std::chrono::milliseconds timeout);

}  // namespace penstock::cli
