#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/obs/metrics.h"

namespace penstock {
class PgTransaction;
}
namespace penstock::v1 {
class Run;
}

namespace penstock::state {

// The metrics of the state service.
std::span<const MetricSpec> StateMetrics();

// Counts a run that has ended, and how long it took. To be called once, when that is stored.
void CountEnd(Metrics& metrics, const penstock::v1::Run& run);

// What the database says, for gauges. Every replica of state tells the same.
struct Census {
  struct SyncRow {
    std::string name;
    int64_t pending = 0;                // records announced and not settled yet
    double overdue_seconds = 0;         // since its due time
    std::optional<double> success;      // seconds since 1970
    std::optional<double> lag_seconds;  // age of the newest read that reached the destination whole
  };
  std::vector<int64_t> runs_by_state;  // by RunState, of runs that have not ended
  int64_t open_grants = 0;
  std::vector<SyncRow> syncs;
};
absl::StatusOr<Census> TakeCensus(PgTransaction& tx);
void Publish(const Census& census, Metrics& metrics);

}  // namespace penstock::state
