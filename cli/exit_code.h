#pragma once

#include "absl/status/status.h"
#include "penstock/v1/run.pb.h"

namespace penstock::cli {

// What the process tells its caller.
enum class ExitCode : int {
  kDone = 0,
  kFailed = 1,        // failed or cancelled
  kUsage = 2,         // wrong usage or invalid files
  kPartial = 3,       // the run ended, but not everything was delivered
  kUnavailable = 4,   // the service does not answer
  kChanges = 5,       // `plan --detailed-exitcode` found something to do
  kWaitTimedOut = 6,  // the run goes on
  kDetached = 130,    // Ctrl-C; the run goes on
};

ExitCode ExitCodeOf(const absl::Status& status);
// Of a run that has ended.
ExitCode ExitCodeOf(v1::RunState state);
bool IsTerminal(v1::RunState state);

}  // namespace penstock::cli
