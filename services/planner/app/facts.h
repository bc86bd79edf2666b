#pragma once

#include "penstock/internal/v1/planning.pb.h"
#include "services/planner/domain/decide.h"

namespace penstock::planner {

// State's facts as the domain sees them.
RunFacts ToDomain(const penstock::internal::v1::RunFacts& facts);

// The transition that a decision asks for. REQUIRES: decision.event is not kTestDestination.
penstock::internal::v1::TransitionRequest ToRequest(const penstock::internal::v1::RunFacts& facts,
                                                    const Decision& decision);

}  // namespace penstock::planner
