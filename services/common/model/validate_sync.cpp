#include <algorithm>
#include <set>

#include "services/common/core/nearest.h"
#include "services/common/model/validate_report.h"

namespace penstock {
namespace {

void ValidateIdentity(const Sync& sync, const ProblemReport& report) {
  if (sync.identity.empty())
    return report.Add("spec.identity",
                      "is missing; name the mapped fields by which the destination knows a record");
  if (sync.mapping.empty()) return;
  std::vector<std::string> mapped;
  for (const FieldMapping& mapping : sync.mapping) mapped.push_back(FieldName(mapping.path));
  const std::vector<std::string_view> names(mapped.begin(), mapped.end());
  std::set<std::string_view> seen;
  for (const std::string& name : sync.identity) {
    auto found = std::find(mapped.begin(), mapped.end(), name);
    if (found == mapped.end()) {
      report.Add("spec.identity",
                 "\"" + name + "\" is not a mapped field" + DidYouMean(name, names));
      continue;
    }
    if (!seen.insert(name).second) report.Add("spec.identity", "names \"" + name + "\" twice");
    const FieldMapping& mapping = sync.mapping[static_cast<size_t>(found - mapped.begin())];
    if (std::holds_alternative<FieldMapping::Constant>(mapping.from) && sync.identity.size() == 1)
      report.Add("spec.identity",
                 "\"" + name + "\" is a constant, so all rows would be one record");
  }
}

void ValidateMode(const Sync& sync, const ProblemReport& report) {
  if (Name(sync.mode).empty()) return report.Add("spec.mode", "is not a mode of this version");
  if (sync.mode == Mode::kAudience)
    report.Add("spec.mode", "\"" + std::string(Name(sync.mode)) + "\" is not supported yet",
               ErrorCode::kNOT_SUPPORTED_YET);
  if (sync.on_change.has_value() && sync.mode != Mode::kAppend)
    report.Add("spec.on_change", "belongs to mode append; mode " + std::string(Name(sync.mode)) +
                                     " sends what changed by its own rule; remove this field");
  if (!sync.on_removed.has_value()) return;
  if (sync.mode == Mode::kInsert || sync.mode == Mode::kAppend) {
    report.Add("spec.on_removed", "mode " + std::string(Name(sync.mode)) +
                                      " never removes; remove this field or use another mode");
  } else if (sync.mode == Mode::kMirror && *sync.on_removed == OnRemoved::kKeep) {
    report.Add("spec.on_removed", "mode mirror removes; use mode: upsert to keep records");
  }
}

void ValidateLimits(const Sync& sync, const ProblemReport& report) {
  const auto fraction = [&](const char* field, double value) {
    if (!(value >= 0 && value <= 1)) report.Add(field, "must be a part of all, from 0 to 1");
  };
  fraction("spec.guard.max_removed", sync.guard.max_removed);
  fraction("spec.guard.max_rejected", sync.guard.max_rejected);
  if (sync.guard.max_changed.has_value())
    fraction("spec.guard.max_changed", *sync.guard.max_changed);
  if (sync.delivery.max_batch_records == 0u)
    report.Add("spec.delivery.max_batch_records", "must be 1 or more");
  if (sync.delivery.max_in_flight == 0u)
    report.Add("spec.delivery.max_in_flight", "must be 1 or more");
  if (sync.delivery.give_up_after <= milliseconds(0))
    report.Add("spec.delivery.give_up_after", "must be a duration over zero, like 6h");
  if (sync.on_rejected.from <= milliseconds(0))
    report.Add("spec.on_rejected.retry_from", "must be a duration over zero, like 1h");
  if (sync.on_rejected.to < sync.on_rejected.from)
    report.Add("spec.on_rejected.retry_to", "must not be shorter than retry_from");
}

}  // namespace

void ValidateSync(const Sync& sync, const ProblemReport& report) {
  report.Require("spec.model", sync.model);
  report.Require("spec.destination", sync.destination);
  report.Require("spec.object", sync.object);
  ValidateMode(sync, report);
  ValidateMapping(sync.mapping, report);
  ValidateIdentity(sync, report);
  ValidateSchedule(sync, report);
  ValidateLimits(sync, report);
}

}  // namespace penstock
