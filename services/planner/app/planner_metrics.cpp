#include "services/planner/app/planner_metrics.h"

#include <vector>

namespace penstock::planner {

std::span<const MetricSpec> PlannerMetrics() {
  static const std::vector<MetricSpec> specs = {
      {MetricKind::kGauge, "penstock_task_tickets", "Tickets of waiting tasks in Redis."},
      {MetricKind::kGauge,
       "penstock_backlog_batches",
       "Batches that wait in Redis for a Destination, or are being sent.",
       {"destination"}},
  };
  return specs;
}

}  // namespace penstock::planner
