#include "services/planner/app/planner_metrics.h"

#include <vector>

namespace penstock::planner {

std::span<const MetricSpec> PlannerMetrics() {
  static const std::vector<MetricSpec> specs = {
      {MetricKind::kCounter, "penstock_runs_total", "Runs that ended.", {"sync", "state"}},
      {MetricKind::kGauge,
       "penstock_sync_last_success_timestamp_seconds",
       "When a run of the Sync last succeeded, in seconds since 1970.",
       {"sync"}},
      {MetricKind::kGauge, "penstock_runs", "Runs that have not ended, by state.", {"state"}},
      {MetricKind::kGauge, "penstock_task_tickets", "Tickets of waiting tasks in Redis."},
  };
  return specs;
}

}  // namespace penstock::planner
