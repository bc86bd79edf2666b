#include "services/loader/app/loader_metrics.h"

#include <array>
#include <vector>

namespace penstock::loader {
namespace {

double Seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string_view NameOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kRecords:
      return "answered";
    case Verdict::kRefused:
      return "refused";
    case Verdict::kRateLimited:
      return "rate_limited";
    case Verdict::kUnauthenticated:
      return "unauthenticated";
    case Verdict::kFailed:
      return "failed";
    case Verdict::kNotAllowed:
      return "not_allowed";
  }
  return "failed";
}

std::string_view NameOf(Stage stage) {
  constexpr std::array<std::string_view, 4> kNames = {"lane", "grant", "attempt", "report"};
  return kNames[static_cast<size_t>(stage)];
}

}  // namespace

void ObserveStage(Metrics& metrics, Stage stage, Duration took) {
  metrics.GetHistogram("penstock_loader_stage_seconds", {NameOf(stage)}).Observe(Seconds(took));
}

void CountAttempt(Metrics& metrics, const std::string& destination, const Answer& answer) {
  const std::string_view code =
      answer.verdict == Verdict::kRecords ? std::string_view() : Name(answer.code);
  metrics.GetCounter("penstock_loader_attempts_total", {destination, NameOf(answer.verdict), code})
      .Add();
  metrics.GetCounter("penstock_loader_sent_bytes_total", {destination})
      .Add(static_cast<double>(answer.sent_bytes));
}

void OutcomeCounter::Count(const BatchOutcomes& outcomes) {
  std::array<double, 6> by_outcome{};
  for (uint32_t i = 0; i < counted_.size(); ++i) {
    if (counted_[i] || !IsFinal(outcomes.outcome(i))) continue;
    counted_[i] = true;
    ++by_outcome[static_cast<size_t>(outcomes.outcome(i))];
  }
  for (size_t i = 0; i < by_outcome.size(); ++i) {
    if (by_outcome[i] == 0) continue;
    metrics_
        .GetCounter("penstock_records_total",
                    {sync_, Name(operation_), Name(static_cast<Outcome>(i))})
        .Add(by_outcome[i]);
  }
}

LaneMetrics::LaneMetrics(Metrics& metrics, const std::string& destination)
    : limit_(metrics.GetGauge("penstock_loader_lane_limit", {destination})),
      in_flight_(metrics.GetGauge("penstock_loader_lane_in_flight", {destination})),
      waiting_(metrics.GetGauge("penstock_loader_lane_waiting", {destination})),
      round_trip_(metrics.GetGauge("penstock_loader_lane_round_trip_seconds", {destination})),
      breaker_(metrics.GetGauge("penstock_loader_lane_breaker_state", {destination})),
      retries_(metrics.GetGauge("penstock_loader_lane_retries", {destination})),
      overflows_(metrics.GetCounter("penstock_loader_lane_retry_overflow_total", {destination})),
      held_(
          {metrics.GetCounter("penstock_loader_throttled_seconds_total", {destination, "quota"}),
           metrics.GetCounter("penstock_loader_throttled_seconds_total",
                              {destination, "concurrency"}),
           metrics.GetCounter("penstock_loader_throttled_seconds_total", {destination, "breaker"}),
           metrics.GetCounter("penstock_loader_throttled_seconds_total",
                              {destination, "destination"})}) {}

void LaneMetrics::Update(const Lane& lane) {
  limit_.Set(lane.limit());
  in_flight_.Set(lane.in_flight());
  waiting_.Set(static_cast<double>(lane.waiting()));
  round_trip_.Set(Seconds(lane.round_trip()));
  breaker_.Set(static_cast<double>(lane.breaker_state()));
  retries_.Set(static_cast<double>(lane.active_retries()));
  overflows_.Add(static_cast<double>(lane.retry_overflows() - overflows_seen_));
  overflows_seen_ = lane.retry_overflows();
  const BootTime now = BootClock::now();
  if (held_by_.has_value()) held_[static_cast<size_t>(*held_by_)].Add(Seconds(now - held_since_));
  held_by_ = lane.held_by();
  held_since_ = now;
}

void TellQuota(Metrics& metrics, const std::string& account, const QuotaWindow& window,
               double used_ratio) {
  metrics.GetGauge("penstock_quota_limit", {account, window.name})
      .Set(static_cast<double>(window.requests));
  metrics.GetGauge("penstock_quota_window_seconds", {account, window.name})
      .Set(Seconds(window.per));
  metrics.GetGauge("penstock_quota_used_ratio", {account, window.name}).Set(used_ratio);
}

}  // namespace penstock::loader
