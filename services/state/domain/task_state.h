#pragma once

#include <cstdint>

namespace penstock::state {

// The states of a task: READY -> LEASED -> DONE | LOST | FAILED. The numbers are stored.
enum class TaskState : uint8_t {
  kReady = 1,   // waits for a worker
  kLeased = 2,  // a worker holds it under its fence
  kDone = 3,    // all its batches are pushed
  kLost = 4,    // its worker stopped beating, or its batches were lost with Redis
  kFailed = 5,  // its worker gave it up, with an error
};

}  // namespace penstock::state
