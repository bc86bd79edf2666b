#include "services/extractor/app/extractor_metrics.h"

#include <vector>

#include "penstock/v1/run.pb.h"

namespace penstock::extractor {

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

void CountQuery(Metrics& metrics, const std::string& source, uint64_t bytes, Duration took) {
  metrics.GetCounter("penstock_warehouse_queries_total", {source}).Add();
  metrics.GetCounter("penstock_warehouse_bytes_total", {source}).Add(static_cast<double>(bytes));
  metrics.GetCounter("penstock_warehouse_seconds_total", {source})
      .Add(std::chrono::duration<double>(took).count());
}

}  // namespace penstock::extractor
