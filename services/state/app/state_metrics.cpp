#include "services/state/app/state_metrics.h"

#include <vector>

namespace penstock::state {

std::span<const MetricSpec> StateMetrics() {
  static const std::vector<MetricSpec> specs = {
      {MetricKind::kGauge, "penstock_state_database_queue",
       "Work that waits for a connection to the database."},
      {MetricKind::kGauge, "penstock_runs_active", "Runs that are not terminal."},
      {MetricKind::kGauge, "penstock_grants_open", "Grants that are open."},
      {MetricKind::kCounter,
       "penstock_leases_lost_total",
       "Leases and grants that were taken as lost.",
       {"kind"}},
  };
  return specs;
}

}  // namespace penstock::state
