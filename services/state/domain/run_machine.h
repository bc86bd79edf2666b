#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"

namespace penstock::state {

// The states of a run. The numbers are stored and sent (penstock.internal.v1.RunMachineState).
enum class RunState : uint8_t {
  kQueued = 1,
  kReading = 2,
  kDelivering = 3,
  kRemoving = 4,
  kFinalizing = 5,
  kCancelling = 6,
  kParking = 7,
  kParked = 8,
  kSucceeded = 9,
  kPartial = 10,
  kFailed = 11,
  kCancelled = 12,
  kSkipped = 13,
};

// What moves a run (penstock.internal.v1.RunEvent).
enum class RunEvent : uint8_t {
  kStart = 1,
  kNewRead = 2,
  kReadEnded = 3,
  kRemove = 4,
  kFinalize = 5,
  kFinish = 6,
  kStop = 7,
  kStopped = 8,
  kPark = 9,
  kParked = 10,
  kResume = 11,
};

// What a transition asks of the run beside its state.
enum class Needs : uint8_t {
  kNothing,
  kNoOpenGrant,            // no request of it can still reach the destination
  kNoOpenGrantNorPending,  // and every announced record has an outcome
};

struct RunTransition {
  RunState from;
  RunEvent event;
  RunState to;
  Needs needs;
};

// What decides between two outcomes of one event.
struct RunVerdict {
  bool has_error = false;   // the run stops because of an error
  bool incomplete = false;  // something was rejected, in doubt or withdrawn in the last read, or
                            // that was not whole
};

// The table, for docs and tests.
std::span<const RunTransition> RunTransitions();

// The transition that `event` makes from `from`; INTERNAL (ILLEGAL_TRANSITION) when the table has
// none. Of two with the same event (SUCCEEDED or PARTIAL, CANCELLED or FAILED) `verdict` picks one.
absl::StatusOr<RunTransition> FindTransition(RunState from, RunEvent event,
                                             const RunVerdict& verdict);

constexpr bool IsTerminal(RunState state) {
  return state >= RunState::kSucceeded;
}
// Batches of its current read may begin.
constexpr bool MayDeliver(RunState state) {
  return state >= RunState::kReading && state <= RunState::kRemoving;
}

std::string_view Name(RunState state);
std::string_view Name(RunEvent event);

}  // namespace penstock::state
