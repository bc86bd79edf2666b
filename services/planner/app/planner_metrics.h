#pragma once

#include <span>

#include "services/common/obs/metrics.h"

namespace penstock::planner {

// The metrics of the planner.
std::span<const MetricSpec> PlannerMetrics();

}  // namespace penstock::planner
