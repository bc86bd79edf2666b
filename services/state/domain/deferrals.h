#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/model/fold.h"
#include "services/common/model/snapshot.h"

namespace penstock::state {

// When a rejected record is tried again: after `from`, doubling with each refusal up to `to`.
struct DeferralPolicy {
  int64_t from_us = 0;
  int64_t to_us = 0;
};

int64_t NextTry(const DeferralPolicy& policy, uint16_t tries, int64_t now_us);

// Collects what a log says of refusals: a rejected record (or an update that found nothing) is
// deferred, a record that was taken is deferred no more.
class Refusals {
 public:
  // `clears`: there are older deferrals, so records that were taken matter too.
  absl::Status Add(const BegunBatch& batch, bool clears);
  bool empty() const { return found_.empty(); }

  // The new deferrals as one segment, with the tries counted on from `old`'s, and starts anew.
  absl::StatusOr<std::string> Build(LevelSource old, uint64_t recipe, const DeferralPolicy& policy,
                                    int64_t now_us);

 private:
  std::vector<Deferral> found_;
};

}  // namespace penstock::state
