#include "cli/exit_code.h"

namespace penstock::cli {

ExitCode ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kDone;
    case absl::StatusCode::kInvalidArgument:
      return ExitCode::kUsage;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
      return ExitCode::kUnavailable;
    default:
      return ExitCode::kFailed;
  }
}

ExitCode ExitCodeOf(v1::RunState state) {
  switch (state) {
    case v1::RUN_STATE_SUCCEEDED:
    case v1::RUN_STATE_SKIPPED:
      return ExitCode::kDone;
    case v1::RUN_STATE_PARTIAL:
      return ExitCode::kPartial;
    default:
      return ExitCode::kFailed;
  }
}

bool IsTerminal(v1::RunState state) {
  return state >= v1::RUN_STATE_SUCCEEDED;
}

}  // namespace penstock::cli
