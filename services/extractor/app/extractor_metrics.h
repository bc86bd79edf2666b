#pragma once

#include <span>

#include "services/common/obs/metrics.h"

namespace penstock::extractor {

// The metrics of the extractor.
std::span<const MetricSpec> ExtractorMetrics();

}  // namespace penstock::extractor
