#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "services/common/obs/metrics.h"

namespace penstock {

enum class ServiceKind : uint8_t { kState, kPlanner, kExtractor, kLoader };
std::string_view Name(ServiceKind service);

// Every metric of Penstock is declared here and nowhere else: docs/metrics.md, the golden file of
// names and what a process exposes are made of it.
struct MetricGroup {
  std::string_view title;
  std::string_view note;  // what holds for all of the group; may be empty
  std::span<const MetricSpec> metrics;
};
std::span<const MetricGroup> MetricCatalogue();

// What this service exposes.
std::vector<MetricSpec> MetricsOf(ServiceKind service);

}  // namespace penstock
