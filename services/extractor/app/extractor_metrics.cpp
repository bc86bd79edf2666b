#include "services/extractor/app/extractor_metrics.h"

#include <vector>

#include "penstock/v1/run.pb.h"

namespace penstock::extractor {

std::span<const MetricSpec> ExtractorMetrics() {
  using enum MetricKind;
  static const std::vector<MetricSpec> specs = {
      {kGauge, "penstock_extractor_tasks_active", "Tasks that are worked on."},
      {kHistogram,
       "penstock_extractor_task_seconds",
       "Time from a task's lease to its end, by what came of it.",
       {"kind", "result"},
       {0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60, 180, 600, 1800, 3600}},
      {kCounter,
       "penstock_extractor_rows_total",
       "Rows of reads that ended, by what the diff made of them.",
       {"sync", "result"}},
      {kGauge, "penstock_extractor_spool_bytes", "Bytes of batches that wait on disk."},
      {kGauge, "penstock_extractor_cache_bytes", "Bytes of segments that are kept on disk."},
  };
  return specs;
}

void CountTask(Metrics& metrics, std::string_view kind, std::string_view result, Duration took) {
  metrics.GetHistogram("penstock_extractor_task_seconds", {kind, result})
      .Observe(std::chrono::duration<double>(took).count());
}

void CountRows(Metrics& metrics, const std::string& sync, const penstock::v1::ReadCounts& rows) {
  const std::pair<std::string_view, int64_t> results[] = {
      {"unchanged", rows.unchanged()}, {"changed", rows.changed()}, {"deferred", rows.deferred()},
      {"invalid", rows.invalid()},     {"skipped", rows.skipped()}, {"copies", rows.copies()},
  };
  for (const auto& [result, count] : results) {
    if (count > 0)
      metrics.GetCounter("penstock_extractor_rows_total", {sync, result})
          .Add(static_cast<double>(count));
  }
}

}  // namespace penstock::extractor
