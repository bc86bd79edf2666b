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
  metrics.OnCollect([&] { metrics.GetGauge("penstock_backlog_bytes").Set(backlog); });
  backlog = 41;
  std::string text = metrics.Expose();
  EXPECT_THAT(text, HasSubstr("penstock_backlog_bytes 41"));
  EXPECT_THAT(text, HasSubstr("penstock_build_info{version="));
  EXPECT_THAT(text, Not(HasSubstr("process_resident_memory_bytes 0")));
}

TEST(MetricsDeathTest, AMistakeInTheProgramIsSeenAtOnce) {
  Metrics metrics(kSpecs);
  EXPECT_DEATH(metrics.GetCounter("penstock_run_total"), "not declared");
  EXPECT_DEATH(metrics.GetCounter("penstock_runs_total", {"crm"}), "another number of labels");
  EXPECT_DEATH(metrics.GetGauge("penstock_reads_total"), "another kind");
}

}  // namespace
}  // namespace penstock
