#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "penstock/v1/resource_service.pb.h"
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
// identity, or removing from now on.
struct DeliveredVerdict {
  std::vector<ResourceProblem> problems;  // those that `reset` doesn't answer
  std::set<std::string> reset;            // Syncs that have to start anew
};
// `fingerprints`: the identity's, by Sync, as the extractor makes it of the new mapping. `reset`:
// what the caller allows.
DeliveredVerdict CheckDelivered(const ApplyPlan& plan, const DeliveredBySync& delivered,
                                const std::map<std::string, uint64_t>& fingerprints,
                                v1::Reset reset);

// What follows from the change of a Sync, for people; empty: nothing is sent again.
std::vector<std::string> EffectsOn(const ApplyPlan& plan, const Sync& sync,
                                   const DeliveredBySync& delivered, v1::Reset reset);
// The same of starting a Sync anew, and of deleting it.
std::vector<std::string> EffectsOfReset(int64_t records, v1::Reset reset);
std::vector<std::string> EffectsOfDelete(int64_t records, v1::Fate fate);

}  // namespace penstock::planner
