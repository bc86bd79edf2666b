#include "services/state/domain/grants.h"

namespace penstock::state {

BeginDecision DecideBegin(const BeginFacts& facts, uint32_t read, uint32_t number,
                          uint64_t loader) {
  if (read != facts.current_read || facts.read_closed || number == 0 || number > facts.announced) {
    return {.refusal = Refusal::kStale};
  }
  if (!MayDeliver(facts.run)) return {.refusal = Refusal::kInactive};
  if (!facts.batch.has_value()) return {.grant_no = 1};
  const StoredGrant& batch = *facts.batch;
  if (batch.settled) return {.refusal = Refusal::kSettled};
  if (!batch.open) return {.grant_no = batch.grant_no + 1};
  if (batch.owner == loader) return {.grant_no = batch.grant_no, .extends = true};
  return {.refusal = Refusal::kBusy};
}

bool GrantHolds(const StoredGrant& batch, uint32_t grant_no, uint64_t loader) {
  return batch.open && batch.grant_no == grant_no && batch.owner == loader;
}

}  // namespace penstock::state
