#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/core/clock.h"
#include "services/common/core/uuid.h"

namespace penstock {
class PgTransaction;
}

namespace penstock::state {

// Ends leases and grants whose holders stopped telling. No wall clock decides: this replica
// measures on its own CLOCK_BOOTTIME how long it has seen a lease or grant unchanged, and ends it
// after its length and a slack. Every replica watches; whoever is first wins, by compare-and-set.
// Used by one thread at a time.
class Watch {
 public:
  struct Options {
    std::chrono::milliseconds lease{30'000};
    std::chrono::milliseconds slack{5'000};  // beyond a lease's or grant's length
  };
  Watch(Options options, const Clock& clock) : options_(options), clock_(clock) {}

  // What ran out.
  struct Lost {
    int64_t leases = 0;
    int64_t grants = 0;
  };
  // Looks at everything that is open, and ends what ran out.
  absl::StatusOr<Lost> Sweep(PgTransaction& tx);

 private:
  // (run, task, number) of a grant; number 0: the task's lease.
  using Key = std::tuple<Uuid, int64_t, int64_t>;
  struct Seen {
    int64_t version = 0;  // begins of a batch, beats of a task
    BootTime since;
    uint64_t sweep = 0;
  };

  // Notes that `key` is open at `version`; true when that has been so for longer than `length` and
  // the slack.
  bool RanOut(const Key& key, int64_t version, std::chrono::milliseconds length);
  absl::StatusOr<int64_t> SweepGrants(PgTransaction& tx);
  absl::StatusOr<int64_t> SweepLeases(PgTransaction& tx);

  const Options options_;
  const Clock& clock_;
  uint64_t sweep_ = 0;
  std::map<Key, Seen> seen_;
};

}  // namespace penstock::state
