#include "services/planner/app/apply_rules.h"

#include "fmt/format.h"

namespace penstock::planner {
namespace {

// A Sync that starts anew may do what orphans delivered rows only where it forgets them.
constexpr std::string_view kResend =
    "take a new name for the Sync, change it back, or start it anew with --reset";
constexpr std::string_view kForget =
    "take a new name for the Sync, change it back, or start it anew with --reset=forget";

bool Forgets(v1::Reset reset) {
  return reset == v1::RESET_FORGET || reset == v1::RESET_BASELINE;
}

const DeliveredRows* FindRows(const DeliveredBySync& delivered, const Sync& stored) {
  const auto found = delivered.find(stored.meta.name);
  return found == delivered.end() ? nullptr : &found->second;
}

// The parts of the target apart from the account: limits may be shared anew at any time.
std::string TargetOptions(const ApplyPlan& plan, const Sync& sync, const std::string& destination) {
  const Connector connector = plan.ConnectorOf(*plan.after().FindDestination(destination));
  return TargetOf(sync, "", FindObject(connector, sync.object));
}

class SyncCheck {
 public:
  SyncCheck(const ApplyPlan& plan, const Sync& now, const Sync& before, const DeliveredRows& rows,
            v1::Reset reset, DeliveredVerdict& out)
      : plan_(plan), now_(now), before_(before), rows_(rows), reset_(reset), out_(out) {}

  void Run(uint64_t fingerprint) {
    if (rows_.has_run || rows_.records > 0) CheckTarget();
    if (rows_.identity_fingerprint != 0 && fingerprint != 0 &&
        fingerprint != rows_.identity_fingerprint) {
      Add("spec.identity",
          "the delivered rows are known by an identity of other fields, types or transforms",
          reset_ != v1::RESET_UNSPECIFIED, kResend, ErrorCode::kIDENTITY_CHANGED);
    }
  }

 private:
  void CheckTarget() {
    if (!plan_.SameDestination(before_.destination, now_.destination)) {
      AddOrphan("spec.destination", fmt::format("it has delivered to \"{}\"", before_.destination));
    } else if (before_.object != now_.object) {
      AddOrphan("spec.object", fmt::format("it has delivered to \"{}\"", before_.object));
    } else if (TargetOptions(plan_, before_, now_.destination) !=
               TargetOptions(plan_, now_, now_.destination)) {
      AddOrphan("spec.options", "it has delivered to another target");
    }
    if (now_.Removes() && !rows_.keeps_identity) {
      AddOrphan(now_.mode == Mode::kMirror ? "spec.mode" : "spec.on_removed",
                "it has delivered without keeping what removing needs");
    }
  }
  void AddOrphan(std::string field, std::string_view why) {
    Add(std::move(field), why, Forgets(reset_), kForget, ErrorCode::kINVALID_RESOURCE);
  }
  void Add(std::string field, std::string_view why, bool answered, std::string_view remedy,
           ErrorCode code) {
    if (answered) {
      out_.reset.insert(now_.meta.name);
      return;
    }
    std::string rows = rows_.records > 0 ? fmt::format(" ({} rows)", rows_.records) : "";
    out_.problems.push_back({"Sync", now_.meta.name, std::move(field),
                             fmt::format("can't change: {}{}; {}", why, rows, remedy), code});
  }

  const ApplyPlan& plan_;
  const Sync& now_;
  const Sync& before_;
  const DeliveredRows& rows_;
  const v1::Reset reset_;
  DeliveredVerdict& out_;
};

// How rows become values: what a recipe is made of, but for the columns' types.
bool SameValues(const ApplyPlan& plan, const Sync& now, const Sync& before) {
  if (now.mapping != before.mapping || now.identity != before.identity) return false;
  const auto zone = [](const ResourceSet& set, const Sync& sync) {
    const Model* model = set.FindModel(sync.model);
    const Source* source = model == nullptr ? nullptr : set.FindSource(model->source);
    return source == nullptr ? std::string() : source->timezone;
  };
  const auto rules = [](const ResourceSet& set, const Sync& sync) {
    const Destination* destination = set.FindDestination(sync.destination);
    const Connector* connector =
        destination == nullptr ? nullptr : set.FindConnector(destination->connector);
    return connector == nullptr ? ValueRules() : connector->values;
  };
  return zone(plan.before(), before) == zone(plan.after(), now) &&
         rules(plan.before(), before) == rules(plan.after(), now);
}

}  // namespace

DeliveredVerdict CheckDelivered(const ApplyPlan& plan, const DeliveredBySync& delivered,
                                const std::map<std::string, uint64_t>& fingerprints,
                                v1::Reset reset) {
  DeliveredVerdict verdict;
  for (const Sync* sync : plan.TouchedSyncs()) {
    const Sync* before = plan.StoredOf(*sync);
    const DeliveredRows* rows = before == nullptr ? nullptr : FindRows(delivered, *before);
    if (rows == nullptr) continue;
    const auto fingerprint = fingerprints.find(sync->meta.name);
    SyncCheck(plan, *sync, *before, *rows, reset, verdict)
        .Run(fingerprint == fingerprints.end() ? 0 : fingerprint->second);
  }
  return verdict;
}

std::vector<std::string> EffectsOn(const ApplyPlan& plan, const Sync& sync,
                                   const DeliveredBySync& delivered, v1::Reset reset) {
  const Sync* before = plan.StoredOf(sync);
  const DeliveredRows* rows = before == nullptr ? nullptr : FindRows(delivered, *before);
  if (rows == nullptr) return {};
  if (reset != v1::RESET_UNSPECIFIED) return EffectsOfReset(rows->records, reset);
  if (rows->records == 0 || SameValues(plan, sync, *before)) return {};
  if (sync.on_mapping_change == OnMappingChange::kChangedRowsOnly) {
    return {fmt::format(
        "mapping changed: of {} delivered rows only those that have changed since are sent",
        rows->records)};
  }
  return {fmt::format("mapping changed: all {} delivered rows are sent once more", rows->records)};
}

std::vector<std::string> EffectsOfReset(int64_t records, v1::Reset reset) {
  switch (reset) {
    case v1::RESET_FORGET:
      return {
          fmt::format("reset: {} delivered rows are forgotten, and every row is sent", records)};
    case v1::RESET_BASELINE:
      return {
          fmt::format("reset: {} delivered rows are forgotten; the next run takes the rows of "
                      "the model as delivered and sends nothing",
                      records)};
    default:
      return {fmt::format("reset: all {} delivered rows are sent once more", records)};
  }
}

std::vector<std::string> EffectsOfDelete(int64_t records, v1::Fate fate) {
  switch (fate) {
    case v1::FATE_FORGET:
      return {fmt::format("{} delivered rows are forgotten; their records stay at the destination",
                          records)};
    case v1::FATE_REMOVE:
      return {fmt::format("{} records are removed from the destination first", records)};
    default:
      return {
          fmt::format("{} delivered rows are kept for 30 days; their records stay at the "
                      "destination",
                      records)};
  }
}

}  // namespace penstock::planner
