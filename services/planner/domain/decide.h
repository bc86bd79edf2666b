#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "services/common/core/error_codes.h"

// When runs move. State owns the table of transitions and checks each; the planner looks at a run's
// facts and says which event is due. Any planner may decide at any time: a decision is by a
// revision, so the second one is refused.
namespace penstock::planner {

using std::chrono::milliseconds;

enum class Phase : uint8_t {
  kQueued,
  kReading,
  kDelivering,
  kRemoving,
  kFinalizing,
  kCancelling,
  kParking,
  kParked,
  kTerminal,
};

enum class ParkedFor : uint8_t { kNothing, kQuota, kDestinationDown, kUser };

struct TaskFailure {
  ErrorCode code = ErrorCode::kINTERNAL;
  std::string message;
  bool retry = false;  // a new read may help
};

// A run as state tells of it (penstock.internal.v1.RunFacts).
struct RunFacts {
  Phase phase = Phase::kTerminal;
  int64_t pending = 0;  // records announced without an outcome
  int open_grants = 0;
  bool may_start = false;   // no other run of its Sync is active
  bool may_remove = false;  // the read was whole and the Sync removes
  bool tasks_done = false;
  bool task_lost = false;
  std::optional<TaskFailure> failure;
  bool batches_lost =
      false;  // pending batches are neither in a spool nor in Redis (planner's own finding)
  int fruitless_reads = 0;  // reads in a row that settled nothing
  ParkedFor parked_for = ParkedFor::kNothing;
  milliseconds park_left{0};
  milliseconds parked_since{0};
  milliseconds give_up_after{0};
  int64_t settled = 0;
  int64_t rejected = 0;
  double max_rejected = 1;
  int64_t max_rejected_min = 0;
};

enum class Event : uint8_t {
  kStart,
  kNewRead,
  kRemove,
  kFinalize,
  kFinish,
  kStop,
  kStopped,
  kParked,
  kResume,
  kTestDestination,  // not an event of the run: its destination must be tried before it goes on
};

struct Decision {
  Event event = Event::kStart;
  milliseconds wait{0};  // of a new read: how long it holds back
  std::optional<ErrorCode> error;
  std::string message;
};

struct Policy {
  milliseconds first_backoff{1000};  // between fruitless reads, doubling …
  milliseconds last_backoff{300'000};
  int max_fruitless_reads = 10;
};

// What is due for a run, or nothing: it waits for somebody.
std::optional<Decision> Decide(const RunFacts& facts, const Policy& policy);

// How long the next read waits after so many fruitless ones.
milliseconds ReadBackoff(int fruitless_reads, const Policy& policy);

}  // namespace penstock::planner
