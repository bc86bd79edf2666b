#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "services/common/core/clock.h"
#include "services/common/obs/metrics.h"
#include "services/common/queue/quota.h"
#include "services/loader/domain/batch_outcomes.h"
#include "services/loader/domain/lane.h"

namespace penstock::loader {

// Where the time of a batch goes.
enum class Stage : uint8_t { kLane, kGrant, kAttempt, kReport };
void ObserveStage(Metrics& metrics, Stage stage, Duration took);

// One attempt and what it came to.
void CountAttempt(Metrics& metrics, const std::string& destination, const Answer& answer);

// Records of a batch, each once, when state has stored its outcome.
class OutcomeCounter {
 public:
  OutcomeCounter(Metrics& metrics, std::string sync, Operation operation, uint32_t records)
      : metrics_(metrics),
        sync_(std::move(sync)),
        operation_(operation),
        counted_(records, false) {}
  void Count(const BatchOutcomes& outcomes);

 private:
  Metrics& metrics_;
  const std::string sync_;
  const Operation operation_;
  std::vector<bool> counted_;
};

// The gauges of a lane.
class LaneMetrics {
 public:
  LaneMetrics(Metrics& metrics, const std::string& destination);
  // To be called whenever something of the lane may have changed.
  void Update(const Lane& lane);

 private:
  Gauge limit_, in_flight_, waiting_, round_trip_, breaker_, retries_;
  Counter overflows_;
  uint64_t overflows_seen_ = 0;
  std::array<Counter, 4> held_;  // by HeldBy
  std::optional<HeldBy> held_by_;
  BootTime held_since_{};
};

// How much of a quota of the account is used up.
void TellQuota(Metrics& metrics, const std::string& account, const QuotaWindow& window,
               double used_ratio);

}  // namespace penstock::loader
