#pragma once

#include <chrono>
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

// A metric family, declared once in the catalogue (catalogue.h).
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
  void Add(double n = 1) const;
  double Value() const;

 private:
  prometheus::Counter* series_;
};

class Gauge {
 public:
  explicit Gauge(prometheus::Gauge* series) : series_(series) {}
  void Set(double value) const;
  void Add(double n) const;
  double Value() const;

 private:
  prometheus::Gauge* series_;
};

class Histogram {
 public:
  explicit Histogram(prometheus::Histogram* series) : series_(series) {}
  void Observe(double value) const;

 private:
  prometheus::Histogram* series_;
};

// One series of a gauge: the label values in the order of the spec.
struct GaugeValue {
  std::vector<std::string> labels;
  double value = 0;
};

// All metrics of a process. Thread-safe.
class Metrics {
 public:
  using Labels = std::initializer_list<std::string_view>;

  // A family has at most `max_series` series; what comes beyond is counted under the label value
  // "other" (every label), so a flood of names can't fill the memory;
  // folded() says how often.
  explicit Metrics(std::span<const MetricSpec> specs, size_t max_series = 200'000);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // The series with these label values, in the order of the spec. REQUIRES: `name` is declared with
  // this kind and number of labels; anything else is a mistake in the program and aborts it.
  Counter GetCounter(std::string_view name, Labels labels = {});
  Gauge GetGauge(std::string_view name, Labels labels = {});
  Histogram GetHistogram(std::string_view name, Labels labels = {});

  // Makes these the only series of a gauge. REQUIRES: nobody keeps a handle to one of them.
  void SetGauges(std::string_view name, const std::vector<GaugeValue>& values);
  // Drops every series of counters that has this label, if `over` says so of its value and of how
  // long ago it was last asked for. REQUIRES: nobody keeps a handle to one of them.
  using Over = std::function<bool(std::string_view value, std::chrono::nanoseconds idle)>;
  void DropCounters(std::string_view label, const Over& over);

  uint64_t folded() const;

  // Called before every exposition, to bring gauges up to date, until the returned handle goes;
  // must be quick. The Metrics outlive the handle.
  class Collecting {
   public:
    Collecting(Collecting&& other) noexcept;
    Collecting& operator=(Collecting&&) = delete;
    ~Collecting();

   private:
    friend class Metrics;
    Collecting(Metrics* metrics, uint64_t id) : metrics_(metrics), id_(id) {}
    Metrics* metrics_;
    uint64_t id_;
  };
  [[nodiscard]] Collecting OnCollect(std::function<void()> update);

  // The text format 0.0.4 of Prometheus.
  std::string Expose() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock
