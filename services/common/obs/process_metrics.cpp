#include "services/common/obs/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "services/common/core/clock.h"
#include "services/common/core/version.h"

namespace penstock {
namespace {

const double start_seconds =
    std::chrono::duration<double>(Clock::System().Wall().time_since_epoch()).count();

double ResidentBytes() {
  long long total = 0;     // NOLINT: scanf's type
  long long resident = 0;  // NOLINT
  if (FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%lld %lld", &total, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double OpenDescriptors() {
  std::error_code error;
  std::filesystem::directory_iterator entries("/proc/self/fd", error);
  return error ? 0 : static_cast<double>(std::distance(begin(entries), end(entries)));
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

std::span<const MetricSpec> ProcessMetricSpecs() {
  static const MetricSpec kSpecs[] = {
      {MetricKind::kGauge,
       "penstock_build_info",
       "Always 1; the label is the version.",
       {"version"}},
      {MetricKind::kGauge, "process_resident_memory_bytes", "Resident memory size in bytes."},
      {MetricKind::kGauge, "process_open_fds", "Number of open file descriptors."},
      {MetricKind::kGauge, "process_start_time_seconds",
       "Start time of the process since the Unix epoch in seconds."},
      {MetricKind::kCounter, "process_cpu_seconds_total",
       "Total user and system CPU time spent in seconds."},
  };
  return kSpecs;
}

void UpdateProcessMetrics(Metrics& metrics) {
  metrics.GetGauge("penstock_build_info", {kVersion}).Set(1);
  metrics.GetGauge("process_resident_memory_bytes").Set(ResidentBytes());
  metrics.GetGauge("process_open_fds").Set(OpenDescriptors());
  metrics.GetGauge("process_start_time_seconds").Set(start_seconds);
  Counter cpu = metrics.GetCounter("process_cpu_seconds_total");
  cpu.Add(std::max(0.0, CpuSeconds() - cpu.Value()));
}

}  // namespace penstock
