#include "services/common/obs/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const MetricSpec kSpecs[] = {
    {MetricKind::kCounter, "penstock_runs_total", "Runs that ended.", {"sync", "state"}},
    {MetricKind::kCounter, "penstock_reads_total", "Reads begun."},
    {MetricKind::kGauge, "penstock_backlog_bytes", "Bytes in Redis."},
    {MetricKind::kHistogram, "penstock_attempt_seconds", "Attempts.", {"destination"}, {0.1, 1}},
};

TEST(Metrics, ExposesSeriesByTheirLabels) {
  Metrics metrics(kSpecs);
  metrics.GetCounter("penstock_runs_total", {"crm", "SUCCEEDED"}).Add();
  metrics.GetCounter("penstock_runs_total", {"crm", "SUCCEEDED"}).Add(2);
  metrics.GetGauge("penstock_backlog_bytes").Set(7);
  metrics.GetHistogram("penstock_attempt_seconds", {"hub"}).Observe(0.5);
  std::string text = metrics.Expose();
  EXPECT_THAT(text, HasSubstr("# HELP penstock_runs_total Runs that ended."));
  EXPECT_THAT(text, HasSubstr(R"(penstock_runs_total{state="SUCCEEDED",sync="crm"} 3)"));
  EXPECT_THAT(text, HasSubstr("penstock_backlog_bytes 7"));
  EXPECT_THAT(text, HasSubstr(R"(penstock_attempt_seconds_bucket{destination="hub",le="1"} 1)"));
}

TEST(Metrics, AMetricWithoutLabelsIsThereFromTheStart) {
  EXPECT_THAT(Metrics(kSpecs).Expose(), HasSubstr("penstock_reads_total 0"));
}

TEST(Metrics, AFloodOfLabelValuesIsCountedTogether) {
  Metrics metrics(kSpecs, /*max_series=*/2);
  for (int i = 0; i < 10; ++i)
    metrics.GetCounter("penstock_runs_total", {"s" + std::to_string(i), "FAILED"}).Add();
  metrics.GetCounter("penstock_runs_total", {"s1", "FAILED"}).Add();
  std::string text = metrics.Expose();
  EXPECT_THAT(text, HasSubstr(R"({state="FAILED",sync="s1"} 2)"));
  EXPECT_THAT(text, HasSubstr(R"({state="other",sync="other"} 8)"));
  EXPECT_THAT(text, Not(HasSubstr("s2")));
}

TEST(Metrics, BringsGaugesUpToDateWhenAsked) {
  Metrics metrics(kSpecs);
  int backlog = 0;
  std::optional<Metrics::Collecting> collecting =
      metrics.OnCollect([&] { metrics.GetGauge("penstock_backlog_bytes").Set(backlog); });
  backlog = 41;
  std::string text = metrics.Expose();
  EXPECT_THAT(text, HasSubstr("penstock_backlog_bytes 41"));
  collecting.reset();
  backlog = 42;
  EXPECT_THAT(metrics.Expose(), HasSubstr("penstock_backlog_bytes 41"));
}

TEST(Metrics, SetsAllSeriesOfAGaugeAtOnce) {
  const MetricSpec specs[] = {{MetricKind::kGauge, "penstock_sync_paused", "Paused.", {"sync"}}};
  Metrics metrics(specs);
  metrics.SetGauges("penstock_sync_paused", {{{"people"}, 1}, {{"orders"}, 0}});
  EXPECT_THAT(metrics.Expose(), HasSubstr(R"(penstock_sync_paused{sync="orders"} 0)"));
  metrics.SetGauges("penstock_sync_paused", {{{"people"}, 0}});
  const std::string text = metrics.Expose();
  EXPECT_THAT(text, HasSubstr(R"(penstock_sync_paused{sync="people"} 0)"));
  EXPECT_THAT(text, Not(HasSubstr("orders")));
}

TEST(Metrics, DropsCountersOfWhatIsGone) {
  Metrics metrics(kSpecs);
  metrics.GetCounter("penstock_runs_total", {"people", "FAILED"}).Add();
  metrics.GetCounter("penstock_runs_total", {"orders", "FAILED"}).Add();
  metrics.DropCounters("sync", [](std::string_view sync, std::chrono::nanoseconds idle) {
    return sync == "orders" && idle < std::chrono::hours(1);
  });
  const std::string text = metrics.Expose();
  EXPECT_THAT(text, HasSubstr("people"));
  EXPECT_THAT(text, Not(HasSubstr("orders")));
  EXPECT_THAT(text, HasSubstr("penstock_reads_total 0"));
}

TEST(MetricsDeathTest, AMistakeInTheProgramIsSeenAtOnce) {
  Metrics metrics(kSpecs);
  EXPECT_DEATH(metrics.GetCounter("penstock_run_total"), "not declared");
  EXPECT_DEATH(metrics.GetCounter("penstock_runs_total", {"crm"}), "another number of labels");
  EXPECT_DEATH(metrics.GetGauge("penstock_reads_total"), "another kind");
}

}  // namespace
}  // namespace penstock
