#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "services/common/obs/metrics.h"

namespace penstock {
class PgTransaction;
}
namespace penstock::v1 {
class Run;
}

namespace penstock::state {

// Counts a run that has ended, and how long it took. To be called once, when that is stored.
void CountEnd(Metrics& metrics, const penstock::v1::Run& run);

// Brings the gauges up to date with what the database says. Every replica of state tells the same.
// Not thread-safe.
class StateGauges {
 public:
  // `labels`: of Syncs, which penstock_sync_info is declared with, too.
  StateGauges(Metrics& metrics, std::vector<std::string> labels)
      : metrics_(metrics), labels_(std::move(labels)) {}

  // What changes with every run. Reads in `tx` and keeps what it read until Publish().
  absl::Status Read(PgTransaction& tx);
  // What changes slowly and costs more to ask for.
  absl::Status ReadSlow(PgTransaction& tx);
  void Publish();

 private:
  using Gauges = std::map<std::string, std::vector<GaugeValue>, std::less<>>;

  absl::Status ReadSyncs(PgTransaction& tx);
  absl::Status ReadRuns(PgTransaction& tx);
  absl::Status ReadInfo(PgTransaction& tx);
  void Add(std::string_view name, std::vector<std::string> labels, double value);

  Metrics& metrics_;
  const std::vector<std::string> labels_;
  Gauges read_;
  std::set<std::string, std::less<>> syncs_;
};

}  // namespace penstock::state
