#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "services/planner/app/apply_plan.h"

namespace penstock::planner {

// What a Sync has sent so far.
struct DeliveredRows {
  int64_t records = 0;
  uint64_t identity_fingerprint = 0;  // 0: no read has ended yet
  bool keeps_identity = false;        // its snapshot knows enough to remove
  bool has_run = false;               // a run that delivers has begun at some time
};
// By the name under which the Sync is stored.
using DeliveredBySync = std::map<std::string, DeliveredRows, std::less<>>;

// Changes that would orphan delivered rows: another destination, object or target option, another
// identity, or removing from now on. `fingerprints`: the identity's, by Sync, as the extractor
// makes it of the new mapping.
std::vector<ResourceProblem> CheckDelivered(const ApplyPlan& plan, const DeliveredBySync& delivered,
                                            const std::map<std::string, uint64_t>& fingerprints);

// What follows from the change of a Sync, for people; empty: nothing is sent again.
std::vector<std::string> EffectsOn(const ApplyPlan& plan, const Sync& sync,
                                   const DeliveredBySync& delivered);

}  // namespace penstock::planner
