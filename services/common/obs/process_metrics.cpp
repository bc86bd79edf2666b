#include "services/common/obs/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "services/common/core/clock.h"
#include "services/common/core/version.h"

namespace penstock {
namespace {

const double start_seconds =
    std::chrono::duration<double>(Clock::System().Wall().time_since_epoch()).count();

struct Memory {
  double total = 0;
  double resident = 0;
};

Memory MemoryBytes() {
  long long total = 0;     // NOLINT: scanf's type
  long long resident = 0;  // NOLINT
  if (FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%lld %lld", &total, &resident) != 2) total = resident = 0;
    std::fclose(file);
  }
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  return {static_cast<double>(total) * page, static_cast<double>(resident) * page};
}

double MaxDescriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<double>(limit.rlim_cur);
}

double MemoryLimit() {
  // Version 2 of control groups, and version 1, as a process sees its own from inside a container.
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream file(path);
    double limit = 0;
    constexpr double kNone = 1e15;  // version 1 says so by a number that no machine has
    if (file >> limit && limit < kNone) return limit;
  }
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
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

void UpdateProcessMetrics(Metrics& metrics) {
  const Memory memory = MemoryBytes();
  metrics.GetGauge("penstock_build_info", {kVersion, Revision()}).Set(1);
  metrics.GetGauge("process_resident_memory_bytes").Set(memory.resident);
  metrics.GetGauge("process_virtual_memory_bytes").Set(memory.total);
  metrics.GetGauge("penstock_memory_limit_bytes").Set(MemoryLimit());
  metrics.GetGauge("process_open_fds").Set(OpenDescriptors());
  metrics.GetGauge("process_max_fds").Set(MaxDescriptors());
  metrics.GetGauge("process_start_time_seconds").Set(start_seconds);
  Counter cpu = metrics.GetCounter("process_cpu_seconds_total");
  cpu.Add(std::max(0.0, CpuSeconds() - cpu.Value()));
}

}  // namespace penstock
