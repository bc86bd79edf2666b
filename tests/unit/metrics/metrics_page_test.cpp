#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>

#include "services/common/obs/process_metrics.h"
#include "services/common/rpc/rpc_metrics.h"
#include "services/extractor/app/extractor_metrics.h"
#include "services/loader/app/loader_metrics.h"
#include "services/planner/app/planner_metrics.h"
#include "services/state/app/state_metrics.h"

namespace penstock {
namespace {

std::string Row(const MetricSpec& spec) {
  constexpr const char* kKinds[] = {"counter", "gauge", "histogram"};
  std::string labels;
  for (std::string_view label : spec.labels)
    labels += (labels.empty() ? "`" : ", `") + std::string(label) + "`";
  return "| `" + std::string(spec.name) + "` | " + kKinds[static_cast<size_t>(spec.kind)] + " | " +
         labels + " | " + std::string(spec.help) + " |";
}

// Dashboards and alerts are built on names and labels: none changes unseen.
TEST(MetricsPage, ListsEveryMetricOfEveryServiceAndNothingElse) {
  std::set<std::string> declared, listed;
  for (const auto& specs :
       {state::StateMetrics(), planner::PlannerMetrics(), extractor::ExtractorMetrics(),
        loader::LoaderMetrics(), RpcMetricSpecs(), ProcessMetricSpecs()}) {
    for (const MetricSpec& spec : specs) declared.insert(Row(spec));
  }
  std::ifstream page(DOCS_DIR "/metrics.md");
  ASSERT_TRUE(page.is_open());
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("| `p")) listed.insert(line);
  }
  for (const std::string& row : declared)
    EXPECT_TRUE(listed.contains(row)) << "docs/metrics.md lacks\n" << row;
  for (const std::string& row : listed)
    EXPECT_TRUE(declared.contains(row)) << "docs/metrics.md has what no service declares\n" << row;
}

}  // namespace
}  // namespace penstock
