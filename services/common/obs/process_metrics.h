#pragma once

#include <span>

#include "services/common/obs/metrics.h"

namespace penstock {

// What every process tells about itself: memory, CPU, descriptors, start time, version.
std::span<const MetricSpec> ProcessMetricSpecs();
// Reads them from /proc.
void UpdateProcessMetrics(Metrics& metrics);

}  // namespace penstock
