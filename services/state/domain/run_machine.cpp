#include "services/state/domain/run_machine.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "services/common/core/status.h"

namespace penstock::state {
namespace {

using enum RunState;
using E = RunEvent;

constexpr std::array kTable = {
    RunTransition{kQueued, E::kStart, kReading, Needs::kNothing},
    RunTransition{kQueued, E::kStop, kCancelled, Needs::kNothing},

    RunTransition{kReading, E::kReadEnded, kDelivering, Needs::kNothing},
    RunTransition{kReading, E::kNewRead, kReading, Needs::kNoOpenGrant},
    RunTransition{kReading, E::kPark, kParking, Needs::kNothing},
    RunTransition{kReading, E::kStop, kCancelling, Needs::kNothing},

    RunTransition{kDelivering, E::kRemove, kRemoving, Needs::kNoOpenGrantNorPending},
    RunTransition{kDelivering, E::kFinalize, kFinalizing, Needs::kNoOpenGrantNorPending},
    RunTransition{kDelivering, E::kNewRead, kReading, Needs::kNoOpenGrant},
    RunTransition{kDelivering, E::kPark, kParking, Needs::kNothing},
    RunTransition{kDelivering, E::kStop, kCancelling, Needs::kNothing},

    RunTransition{kRemoving, E::kFinalize, kFinalizing, Needs::kNoOpenGrantNorPending},
    RunTransition{kRemoving, E::kNewRead, kReading, Needs::kNoOpenGrant},
    RunTransition{kRemoving, E::kPark, kParking, Needs::kNothing},
    RunTransition{kRemoving, E::kStop, kCancelling, Needs::kNothing},

    RunTransition{kFinalizing, E::kFinish, kSucceeded, Needs::kNoOpenGrantNorPending},
    RunTransition{kFinalizing, E::kFinish, kPartial, Needs::kNoOpenGrantNorPending},

    RunTransition{kParking, E::kParked, kParked, Needs::kNoOpenGrant},
    RunTransition{kParking, E::kStop, kCancelling, Needs::kNothing},
    RunTransition{kParked, E::kResume, kReading, Needs::kNoOpenGrant},
    RunTransition{kParked, E::kStop, kCancelling, Needs::kNothing},

    RunTransition{kCancelling, E::kStopped, kCancelled, Needs::kNoOpenGrant},
    RunTransition{kCancelling, E::kStopped, kFailed, Needs::kNoOpenGrant},
};

bool Fits(RunState to, const RunVerdict& verdict) {
  switch (to) {
    case kSucceeded:
      return !verdict.incomplete;
    case kPartial:
      return verdict.incomplete;
    case kFailed:
      return verdict.has_error;
    // A queued run is cancelled whatever the reason: it never began.
    default:
      return true;
  }
}

}  // namespace

std::span<const RunTransition> RunTransitions() {
  return kTable;
}

absl::StatusOr<RunTransition> FindTransition(RunState from, RunEvent event,
                                             const RunVerdict& verdict) {
  // kCancelled stands before kFailed, so an error is looked at first.
  const auto fits = [&](const RunTransition& t) {
    return t.from == from && t.event == event && Fits(t.to, verdict) &&
           !(from == kCancelling && t.to == kCancelled && verdict.has_error);
  };
  const auto* found = std::find_if(kTable.begin(), kTable.end(), fits);
  if (found != kTable.end()) return *found;
  return Error(
      ErrorCode::kILLEGAL_TRANSITION,
      absl::StrCat("a run in ", Absl(Name(from)), " can't take the event ", Absl(Name(event))));
}

std::string_view Name(RunState state) {
  switch (state) {
    case kQueued:
      return "QUEUED";
    case kReading:
      return "READING";
    case kDelivering:
      return "DELIVERING";
    case kRemoving:
      return "REMOVING";
    case kFinalizing:
      return "FINALIZING";
    case kCancelling:
      return "CANCELLING";
    case kParking:
      return "PARKING";
    case kParked:
      return "PARKED";
    case kSucceeded:
      return "SUCCEEDED";
    case kPartial:
      return "PARTIAL";
    case kFailed:
      return "FAILED";
    case kCancelled:
      return "CANCELLED";
    case kSkipped:
      return "SKIPPED";
  }
  return "?";
}

std::string_view Name(RunEvent event) {
  switch (event) {
    case E::kStart:
      return "START";
    case E::kNewRead:
      return "NEW_READ";
    case E::kReadEnded:
      return "READ_ENDED";
    case E::kRemove:
      return "REMOVE";
    case E::kFinalize:
      return "FINALIZE";
    case E::kFinish:
      return "FINISH";
    case E::kStop:
      return "STOP";
    case E::kStopped:
      return "STOPPED";
    case E::kPark:
      return "PARK";
    case E::kParked:
      return "PARKED";
    case E::kResume:
      return "RESUME";
  }
  return "?";
}

}  // namespace penstock::state
