#pragma once

#include "services/common/obs/metrics.h"

namespace penstock {

// What every process tells about itself: memory, CPU, descriptors, start time, version.
void UpdateProcessMetrics(Metrics& metrics);

}  // namespace penstock
