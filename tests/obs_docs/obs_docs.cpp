#include <string>
#include <string_view>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "services/common/obs/catalogue.h"
#include "services/common/obs/log_events.h"

// Prints docs/metrics.md, docs/logs.md, or one line a metric: name, type, labels ("golden").
namespace penstock {
namespace {

constexpr std::string_view kKinds[] = {"counter", "gauge", "histogram"};

constexpr std::string_view kMetricsHead = R"(# Metrics

Every service serves `/metrics` (Prometheus' text format) on its admin port, beside `/healthz` and `/readyz`. This page is
made of the catalogue in `services/common/obs/catalogue.cpp`, where every metric is declared.

Units are seconds, bytes and ratios; a time is given as a timestamp in seconds since 1970, so that its age is `time() -` it. A
family keeps at most 200,000 series; what comes beyond is counted under the label value `other`.
Dashboards, alerts, and how many series there are with many Syncs: [monitoring](monitoring.md).
)";

void PrintMetrics() {
  fmt::print("{}", kMetricsHead);
  for (const MetricGroup& group : MetricCatalogue()) {
    fmt::print("\n## {}\n\n", group.title);
    if (!group.note.empty()) fmt::print("{}\n\n", group.note);
    fmt::print("| metric | kind | labels | what |\n|---|---|---|---|\n");
    for (const MetricSpec& spec : group.metrics) {
      std::string labels;
      for (std::string_view label : spec.labels)
        labels += fmt::format("{}`{}`", labels.empty() ? "" : ", ", label);
      fmt::print("| `{}` | {} | {} | {} |\n", spec.name, kKinds[static_cast<size_t>(spec.kind)],
                 labels, spec.help);
    }
  }
}

constexpr std::string_view kLogsHead = R"(# Logs

Every service writes one JSON object a line to stderr:

```text
{"ts":"2026-03-29T10:15:00.123456Z","level":"info","service":"loader","event":"delivery_begun","message":"…","run":"…","sync":"…"}
```

`event` is a stable name of the list below, `message` is for people, and may change. A line about a run has its id as `run`: a
search for it finds what planner, state, extractor and loader did for it. A line about an error has `error_code`
([errors](errors.md)) and `owner`, who must act. No line holds a secret. None holds a record, or the key of one: what warehouses and
destinations say of errors may quote one, so it is left out unless `--log-data` is given; `penstock runs` and `penstock records`
show it.

`--log-level` sets the lowest level that is written (`debug`, `info`, `warning`, `error`, `off`). It can be changed while the
service runs, from its own host only, until the process ends:

```text
kubectl port-forward deploy/penstock-loader 9090 &
curl -X PUT 'http://127.0.0.1:9090/log-level?level=debug'
```

## Events

| event | what |
|---|---|
)";

void PrintLogs() {
  fmt::print("{}", kLogsHead);
  for (const LogEventDoc& event : kLogEvents) fmt::print("| `{}` | {} |\n", event.name, event.what);
}

void PrintGolden() {
  for (const MetricGroup& group : MetricCatalogue()) {
    for (const MetricSpec& spec : group.metrics) {
      fmt::print("{} {} {}\n", spec.name, kKinds[static_cast<size_t>(spec.kind)],
                 spec.labels.empty() ? "-" : fmt::format("{}", fmt::join(spec.labels, ",")));
    }
  }
}

}  // namespace
}  // namespace penstock

int main(int argc, char** argv) {
  const std::string_view word = argc == 2 ? argv[1] : "";
  if (word == "metrics") {
    penstock::PrintMetrics();
  } else if (word == "logs") {
    penstock::PrintLogs();
  } else if (word == "golden") {
    penstock::PrintGolden();
  } else {
    fmt::print(stderr, "usage: obs_docs metrics|logs|golden\n");
    return 2;
  }
  return 0;
}
