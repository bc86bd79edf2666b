#pragma once

#include <span>

#include "services/common/obs/metrics.h"

namespace penstock::state {

// The metrics of the state service.
std::span<const MetricSpec> StateMetrics();

}  // namespace penstock::state
