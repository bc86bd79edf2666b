#include "services/common/obs/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>
#include <variant>

#include "services/common/obs/process_metrics.h"

namespace penstock {
namespace {

[[noreturn]] void Misuse(std::string_view name, const char* what) {
  std::fprintf(stderr, "metric %.*s: %s\n", static_cast<int>(name.size()), name.data(), what);
  std::abort();
}

struct Family {
  MetricSpec spec;
  std::variant<prometheus::Family<prometheus::Counter>*, prometheus::Family<prometheus::Gauge>*,
               prometheus::Family<prometheus::Histogram>*>
      series;
  std::mutex mutex;
  std::set<prometheus::Labels> known;
};

template <typename T>
prometheus::Family<T>* Register(prometheus::Registry& registry, prometheus::detail::Builder<T> b,
                                const MetricSpec& spec) {
  return &b.Name(std::string(spec.name)).Help(std::string(spec.help)).Register(registry);
}

}  // namespace

std::span<const double> LatencyBuckets() {
  static constexpr double kBuckets[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                        0.5,    1,     2.5,    5,     10,   30,    60,   120};
  return kBuckets;
}

struct Metrics::Impl {
  prometheus::Registry registry;
  std::map<std::string, Family, std::less<>> families;
  std::vector<std::function<void()>> updates;
  size_t max_series;

  void Declare(const MetricSpec& spec) {
    Family& family = families[std::string(spec.name)];
    if (!family.spec.name.empty()) Misuse(spec.name, "declared twice");
    family.spec = spec;
    switch (spec.kind) {
      case MetricKind::kCounter:
        family.series = Register(registry, prometheus::BuildCounter(), spec);
        break;
      case MetricKind::kGauge:
        family.series = Register(registry, prometheus::BuildGauge(), spec);
        break;
      case MetricKind::kHistogram:
        family.series = Register(registry, prometheus::BuildHistogram(), spec);
        break;
    }
    // A metric without labels is there from the start, at zero, so that rates of it are right.
    if (!spec.labels.empty()) return;
    if (spec.kind == MetricKind::kCounter) Series<prometheus::Counter>(spec.name, {});
    if (spec.kind == MetricKind::kGauge) Series<prometheus::Gauge>(spec.name, {});
    if (spec.kind == MetricKind::kHistogram) Series<prometheus::Histogram>(spec.name, {});
  }

  template <typename T>
  T& Series(std::string_view name, Labels values) {
    auto found = families.find(name);
    if (found == families.end()) Misuse(name, "not declared");
    Family& family = found->second;
    auto* typed = std::get_if<prometheus::Family<T>*>(&family.series);
    if (typed == nullptr) Misuse(name, "declared as another kind");
    if (values.size() != family.spec.labels.size()) Misuse(name, "another number of labels");

    prometheus::Labels labels;
    for (size_t i = 0; i < values.size(); ++i)
      labels.emplace(family.spec.labels[i], values.begin()[i]);
    {
      std::lock_guard lock(family.mutex);
      if (!family.known.contains(labels)) {
        if (family.known.size() < max_series) {
          family.known.insert(labels);
        } else {
          for (auto& [label, value] : labels) value = "other";
        }
      }
    }
    if constexpr (std::is_same_v<T, prometheus::Histogram>) {
      std::span<const double> buckets = LatencyBuckets();
      if (!family.spec.buckets.empty()) buckets = family.spec.buckets;
      return (*typed)->Add(labels,
                           prometheus::Histogram::BucketBoundaries(buckets.begin(), buckets.end()));
    } else {
      return (*typed)->Add(labels);
    }
  }
};

void Counter::Add(double n) {
  series_->Increment(n);
}
double Counter::Value() const {
  return series_->Value();
}
void Gauge::Set(double value) {
  series_->Set(value);
}
void Gauge::Add(double n) {
  series_->Increment(n);
}
double Gauge::Value() const {
  return series_->Value();
}
void Histogram::Observe(double value) {
  series_->Observe(value);
}

Metrics::Metrics(std::span<const MetricSpec> specs, size_t max_series)
    : impl_(std::make_unique<Impl>()) {
  impl_->max_series = max_series;
  for (const MetricSpec& spec : specs) impl_->Declare(spec);
  for (const MetricSpec& spec : ProcessMetricSpecs()) impl_->Declare(spec);
  OnCollect([this] { UpdateProcessMetrics(*this); });
}

Metrics::~Metrics() = default;

Counter Metrics::GetCounter(std::string_view name, Labels labels) {
  return Counter(&impl_->Series<prometheus::Counter>(name, labels));
}

Gauge Metrics::GetGauge(std::string_view name, Labels labels) {
  return Gauge(&impl_->Series<prometheus::Gauge>(name, labels));
}

Histogram Metrics::GetHistogram(std::string_view name, Labels labels) {
  return Histogram(&impl_->Series<prometheus::Histogram>(name, labels));
}

void Metrics::OnCollect(std::function<void()> update) {
  impl_->updates.push_back(std::move(update));
}

std::string Metrics::Expose() const {
  for (const auto& update : impl_->updates) update();
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace penstock
