#include "services/extractor/app/extractor_metrics.h"

#include <vector>

namespace penstock::extractor {

std::span<const MetricSpec> ExtractorMetrics() {
  static const std::vector<MetricSpec> specs = {
      {MetricKind::kGauge, "penstock_extractor_tasks_active", "Tasks that are worked on."},
      {MetricKind::kGauge,
       "penstock_extractor_tasks_ended",
       "Tasks that ended since the start, by result.",
       {"result"}},
      {MetricKind::kGauge, "penstock_extractor_spool_bytes", "Bytes of batches that wait on disk."},
      {MetricKind::kGauge, "penstock_extractor_cache_bytes",
       "Bytes of segments that are kept on disk."},
  };
  return specs;
}

}  // namespace penstock::extractor
