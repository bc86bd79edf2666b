#include "services/common/obs/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <utility>
#include <variant>

#include "services/common/core/clock.h"

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
  std::map<prometheus::Labels, BootTime> used;  // by series: when it was last asked for
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
  std::mutex updates_mutex;  // held while they run: none runs after its handle has gone
  std::map<uint64_t, std::function<void()>> updates;
  uint64_t next_update = 0;
  size_t max_series;
  std::atomic<uint64_t> folded = 0;

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

  // The family, which must be of this type.
  template <typename T>
  std::pair<Family&, prometheus::Family<T>&> Find(std::string_view name) {
    auto found = families.find(name);
    if (found == families.end()) Misuse(name, "not declared");
    auto* typed = std::get_if<prometheus::Family<T>*>(&found->second.series);
    if (typed == nullptr) Misuse(name, "declared as another kind");
    return {found->second, **typed};
  }

  // `values` are strings or views of them.
  template <typename Values>
  static prometheus::Labels LabelsOf(const Family& family, const Values& values) {
    if (values.size() != family.spec.labels.size())
      Misuse(family.spec.name, "another number of labels");
    prometheus::Labels labels;
    for (size_t i = 0; i < values.size(); ++i)
      labels.emplace(family.spec.labels[i], std::string(std::data(values)[i]));
    return labels;
  }

  template <typename T>
  T& Series(std::string_view name, Labels values) {
    auto [family, series] = Find<T>(name);
    prometheus::Labels labels = LabelsOf(family, values);
    // Held while the series is made, so that none is made after it was dropped.
    const std::lock_guard lock(family.mutex);
    if (!family.used.contains(labels) && family.used.size() >= max_series) {
      for (auto& [label, value] : labels) value = "other";
      ++folded;
    }
    family.used[labels] = BootClock::now();
    if constexpr (std::is_same_v<T, prometheus::Histogram>) {
      std::span<const double> buckets = LatencyBuckets();
      if (!family.spec.buckets.empty()) buckets = family.spec.buckets;
      return series.Add(labels,
                        prometheus::Histogram::BucketBoundaries(buckets.begin(), buckets.end()));
    } else {
      return series.Add(labels);
    }
  }

  // REQUIRES: the family's mutex is held.
  template <typename T>
  static void Drop(prometheus::Family<T>& series, const prometheus::Labels& labels) {
    series.Remove(&series.Add(labels));
  }
};

void Counter::Add(double n) const {
  series_->Increment(n);
}
double Counter::Value() const {
  return series_->Value();
}
void Gauge::Set(double value) const {
  series_->Set(value);
}
void Gauge::Add(double n) const {
  series_->Increment(n);
}
double Gauge::Value() const {
  return series_->Value();
}
void Histogram::Observe(double value) const {
  series_->Observe(value);
}

Metrics::Metrics(std::span<const MetricSpec> specs, size_t max_series)
    : impl_(std::make_unique<Impl>()) {
  impl_->max_series = max_series;
  for (const MetricSpec& spec : specs) impl_->Declare(spec);
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

uint64_t Metrics::folded() const {
  return impl_->folded;
}

void Metrics::SetGauges(std::string_view name, const std::vector<GaugeValue>& values) {
  auto [family, series] = impl_->Find<prometheus::Gauge>(name);
  const std::lock_guard lock(family.mutex);
  std::map<prometheus::Labels, BootTime> old;
  old.swap(family.used);
  for (const GaugeValue& one : values) {
    if (family.used.size() >= impl_->max_series) {
      ++impl_->folded;
      break;
    }
    const prometheus::Labels labels = Impl::LabelsOf(family, one.labels);
    series.Add(labels).Set(one.value);
    family.used[labels] = BootTime();
    old.erase(labels);
  }
  for (const auto& [labels, used] : old) Impl::Drop(series, labels);
}

void Metrics::DropCounters(std::string_view label, const Over& over) {
  const BootTime now = BootClock::now();
  for (auto& [name, family] : impl_->families) {
    auto* series = std::get_if<prometheus::Family<prometheus::Counter>*>(&family.series);
    if (series == nullptr) continue;
    const std::lock_guard lock(family.mutex);
    std::erase_if(family.used, [&](const auto& one) {
      const auto& [labels, used] = one;
      const auto value = labels.find(std::string(label));
      if (value == labels.end() || !over(value->second, now - used)) return false;
      Impl::Drop(**series, labels);
      return true;
    });
  }
}

Metrics::Collecting Metrics::OnCollect(std::function<void()> update) {
  const std::lock_guard lock(impl_->updates_mutex);
  const uint64_t id = impl_->next_update++;
  impl_->updates.emplace(id, std::move(update));
  return {this, id};
}

Metrics::Collecting::Collecting(Collecting&& other) noexcept
    : metrics_(std::exchange(other.metrics_, nullptr)), id_(other.id_) {}

Metrics::Collecting::~Collecting() {
  if (metrics_ == nullptr) return;
  const std::lock_guard lock(metrics_->impl_->updates_mutex);
  metrics_->impl_->updates.erase(id_);
}

std::string Metrics::Expose() const {
  {
    const std::lock_guard lock(impl_->updates_mutex);
    for (const auto& [id, update] : impl_->updates) update();
  }
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace penstock
