#include "services/state/domain/grants.h"

namespace penstock::state {

BeginDecision DecideBegin(const BeginFacts& facts, uint32_t read, uint32_t number,
                          uint64_t loader) {
  if (read != facts.current_read || facts.read_closed || number == 0 || number > facts.announced) {
    return {.refusal = Refusal::kStale};
  }
  if (!MayDeliver(facts.run)) return {.refusal = Refusal::kInactive};
  const StoredGrant batch = facts.batch.value_or(StoredGrant());
  if (batch.settled) return {.refusal = Refusal::kSettled};
  if (batch.open) {
    if (batch.owner != loader) return {.refusal = Refusal::kBusy};
    return {.grant_no = batch.grant_no, .extends = true};
  }
  if (facts.max_in_flight > 0 && facts.open_grants >= facts.max_in_flight) {
    return {.refusal = Refusal::kLimit};
  }
  return {.grant_no = batch.grant_no + 1};
}

bool GrantHolds(const StoredGrant& batch, uint32_t grant_no, uint64_t loader) {
  return batch.open && batch.grant_no == grant_no && batch.owner == loader;
}

}  // namespace penstock::state
