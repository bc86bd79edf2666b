#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace penstock {

enum class MetricKind : uint8_t { kCounter, kGauge, kHistogram };

// A metric family, declared once in the service's list (which is also its documentation and what
// the golden file of metric names is checked against).
struct MetricSpec {
  MetricKind kind;
  std::string_view name;  // penstock_…, the unit at the end, _total for counters
  std::string_view help;
  std::vector<std::string_view> labels = {};
  std::vector<double> buckets = {};  // histograms; default: kLatencyBuckets
};

// Seconds, 0.5 ms to 2 minutes.
std::span<const double> LatencyBuckets();

// Handles to one series. Cheap to copy, thread-safe, valid as long as their Metrics. Keep the
// handle where the value changes often: finding it costs a look-up by labels.
class Counter {
 public:
  explicit Counter(prometheus::Counter* series) : series_(series) {}
  void Add(double n = 1);
  double Value() const;

 private:
  prometheus::Counter* series_;
};

class Gauge {
 public:
  explicit Gauge(prometheus::Gauge* series) : series_(series) {}
  void Set(double value);
  void Add(double n);
  double Value() const;

 private:
  prometheus::Gauge* series_;
};

class Histogram {
 public:
  explicit Histogram(prometheus::Histogram* series) : series_(series) {}
  void Observe(double value);

 private:
  prometheus::Histogram* series_;
};

// All metrics of a process. Beside the service's own it has penstock_build_info and the usual
// process_* metrics. Thread-safe.
class Metrics {
 public:
  using Labels = std::initializer_list<std::string_view>;

  // A family has at most `max_series` series; what comes beyond is counted under the label value
  // "other" (every label), so a flood of names can't fill the memory.
  explicit Metrics(std::span<const MetricSpec> specs, size_t max_series = 5000);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // The series with these label values, in the order of the spec. REQUIRES: `name` is declared with
  // this kind and number of labels; anything else is a mistake in the program and aborts it.
  Counter GetCounter(std::string_view name, Labels labels = {});
  Gauge GetGauge(std::string_view name, Labels labels = {});
  Histogram GetHistogram(std::string_view name, Labels labels = {});

  // Called before every exposition, to bring gauges up to date; must be quick. Not to be added
  // while Expose() may run.
  void OnCollect(std::function<void()> update);

  // The text format 0.0.4 of Prometheus.
  std::string Expose() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock
