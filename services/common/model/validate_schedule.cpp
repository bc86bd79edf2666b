#include <algorithm>
#include <set>

#include "services/common/core/nearest.h"
#include "services/common/core/status.h"
#include "services/common/core/time_zone.h"
#include "services/common/model/cron.h"
#include "services/common/model/validate_report.h"

namespace penstock {
namespace {

constexpr milliseconds kShortest = std::chrono::seconds(1);
constexpr milliseconds kLongest = std::chrono::hours(24) * 366;

struct OwnRules {
  const Sync& sync;
  const ProblemReport& report;

  void operator()(std::monostate) const {}
  void operator()(const CronSchedule& s) const {
    if (const auto cron = Cron::Parse(s.cron); !cron.ok())
      report.Add("spec.schedule.cron", Std(cron.status().message()));
    if (const auto zone = FindTimeZone(s.timezone); !zone.ok())
      report.Add("spec.schedule.timezone", Std(zone.status().message()));
  }
  void operator()(const EverySchedule& s) const {
    if (s.every < kShortest)
      report.Add("spec.schedule.every", "must be 1s or more");
    else if (s.every > kLongest)
      report.Add("spec.schedule.every", "must be 366d or less");
  }
  void operator()(const AfterSchedule& s) const {
    const std::string field = "spec.schedule.after.syncs";
    if (s.syncs.empty()) report.Add(field, "is missing; name the Syncs that come before");
    std::set<std::string_view> seen;
    for (const std::string& parent : s.syncs) {
      if (!seen.insert(parent).second) report.Add(field, "names \"" + parent + "\" twice");
    }
    if (sync.overlap == Overlap::kSkip)
      report.Add("spec.overlap",
                 "\"skip\" would lose what came before; a schedule with after waits for the active "
                 "run: remove this field");
  }
};

const AfterSchedule* AfterOf(const Sync* sync) {
  return sync == nullptr ? nullptr : std::get_if<AfterSchedule>(&sync->schedule);
}

// Syncs of which each comes after the next one, and the last after `from`; empty when there is no
// such circle.
class CircleSearch {
 public:
  CircleSearch(const ResourceSet& all, const std::string& from) : all_(all), from_(from) {}

  std::vector<std::string> Find() { return Reaches(from_) ? path_ : std::vector<std::string>(); }

 private:
  bool Reaches(const std::string& name) {
    if (!seen_.insert(name).second) return false;
    path_.push_back(name);
    if (const AfterSchedule* after = AfterOf(all_.FindSync(name))) {
      for (const std::string& parent : after->syncs) {
        if (parent == from_ || Reaches(parent)) return true;
      }
    }
    path_.pop_back();
    return false;
  }

  const ResourceSet& all_;
  const std::string& from_;
  std::set<std::string> seen_;
  std::vector<std::string> path_;
};

}  // namespace

void ValidateSchedule(const Sync& sync, const ProblemReport& report) {
  if (sync.overlap.has_value() && *sync.overlap != Overlap::kSkip &&
      *sync.overlap != Overlap::kQueue)
    report.Add("spec.overlap", "must be skip or queue; only triggers can be refused");
  std::visit(OwnRules{sync, report}, sync.schedule);
}

void CheckSchedule(const Sync& sync, const ResourceSet& all, const ProblemReport& report) {
  const AfterSchedule* after = AfterOf(&sync);
  if (after == nullptr) return;
  const std::string field = "spec.schedule.after.syncs";
  std::vector<std::string_view> names;
  for (const auto& [name, known] : all.syncs()) {
    if (name != sync.meta.name) names.push_back(name);
  }
  for (const std::string& parent : after->syncs) {
    if (all.FindSync(parent) == nullptr)
      report.Add(field, "there is no Sync \"" + parent + "\"" + DidYouMean(parent, names));
  }
  const std::vector<std::string> circle = CircleSearch(all, sync.meta.name).Find();
  if (circle.empty()) return;
  if (circle.size() == 1)
    return report.Add(field, "a Sync can't come after itself; remove \"" + sync.meta.name + "\"");
  std::string text = "\"" + sync.meta.name + "\"";
  for (size_t i = 1; i < circle.size(); ++i) text += " comes after \"" + circle[i] + "\", which";
  report.Add(field, text + " comes after \"" + sync.meta.name +
                        "\": none of them would ever start; remove one");
}

}  // namespace penstock
