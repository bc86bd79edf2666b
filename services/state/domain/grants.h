#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "services/state/domain/run_machine.h"

// State alone grants sends: these rules are the protocol of docs/protocol.md, checked exhaustively
// by tests/model/protocol.py.
namespace penstock::state {

// The stored row of a batch that has begun before.
struct StoredGrant {
  uint32_t grant_no = 0;
  uint64_t owner = 0;  // the loader of its newest grant
  bool open = false;
  bool settled = false;
};

// What a Begin is checked against, read under a share lock on the run.
struct BeginFacts {
  RunState run = RunState::kQueued;
  uint32_t current_read = 0;
  bool read_closed = false;
  uint32_t announced = 0;  // last batch number that the task announced
  std::optional<StoredGrant> batch;
  uint32_t max_in_flight = 0;  // of the run; 0: no limit
  uint32_t open_grants = 0;    // of the run, where there is a limit
};

enum class Refusal : uint8_t {
  kNone = 0,
  kSettled = 1,
  kStale = 2,
  kBusy = 3,
  kInactive = 4,
  kGrantOver = 5,
  kLimit = 6,
};

struct BeginDecision {
  Refusal refusal = Refusal::kNone;
  uint32_t grant_no = 0;
  bool extends = false;  // the same loader's open grant goes on under its number
};

BeginDecision DecideBegin(const BeginFacts& facts, uint32_t read, uint32_t number, uint64_t loader);

// Whether a report or release under `grant_no` by `loader` still counts: its grant is the open one.
bool GrantHolds(const StoredGrant& batch, uint32_t grant_no, uint64_t loader);

}  // namespace penstock::state
