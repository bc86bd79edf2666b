#include "services/planner/app/apply_rules.h"

#include "fmt/format.h"

namespace penstock::planner {
namespace {

constexpr std::string_view kRemedy =
    "take a new name for the Sync, or change it back (--reset is not supported yet)";

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
            std::vector<ResourceProblem>& out)
      : plan_(plan), now_(now), before_(before), rows_(rows), out_(out) {}

  void Run(uint64_t fingerprint) {
    if (rows_.has_run || rows_.records > 0) CheckTarget();
    if (rows_.identity_fingerprint != 0 && fingerprint != 0 &&
        fingerprint != rows_.identity_fingerprint)
      Add("spec.identity",
          "the delivered rows are known by an identity of other fields, types or transforms",
          ErrorCode::kIDENTITY_CHANGED);
  }

 private:
  void CheckTarget() {
    if (!plan_.SameDestination(before_.destination, now_.destination)) {
      Add("spec.destination", fmt::format("it has delivered to \"{}\"", before_.destination));
    } else if (before_.object != now_.object) {
      Add("spec.object", fmt::format("it has delivered to \"{}\"", before_.object));
    } else if (TargetOptions(plan_, before_, now_.destination) !=
               TargetOptions(plan_, now_, now_.destination)) {
      Add("spec.options", "it has delivered to another target");
    }
    if (now_.Removes() && !rows_.keeps_identity)
      Add(now_.mode == Mode::kMirror ? "spec.mode" : "spec.on_removed",
          "it has delivered without keeping what removing needs");
  }
  void Add(std::string field, std::string_view why, ErrorCode code = ErrorCode::kINVALID_RESOURCE) {
    std::string rows = rows_.records > 0 ? fmt::format(" ({} rows)", rows_.records) : "";
    out_.push_back({"Sync", now_.meta.name, std::move(field),
                    fmt::format("can't change: {}{}; {}", why, rows, kRemedy), code});
  }

  const ApplyPlan& plan_;
  const Sync& now_;
  const Sync& before_;
  const DeliveredRows& rows_;
  std::vector<ResourceProblem>& out_;
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

std::vector<ResourceProblem> CheckDelivered(const ApplyPlan& plan, const DeliveredBySync& delivered,
                                            const std::map<std::string, uint64_t>& fingerprints) {
  std::vector<ResourceProblem> problems;
  for (const Sync* sync : plan.TouchedSyncs()) {
    const Sync* before = plan.StoredOf(*sync);
    const DeliveredRows* rows = before == nullptr ? nullptr : FindRows(delivered, *before);
    if (rows == nullptr) continue;
    const auto fingerprint = fingerprints.find(sync->meta.name);
    SyncCheck(plan, *sync, *before, *rows, problems)
        .Run(fingerprint == fingerprints.end() ? 0 : fingerprint->second);
  }
  return problems;
}

std::vector<std::string> EffectsOn(const ApplyPlan& plan, const Sync& sync,
                                   const DeliveredBySync& delivered) {
  const Sync* before = plan.StoredOf(sync);
  const DeliveredRows* rows = before == nullptr ? nullptr : FindRows(delivered, *before);
  if (rows == nullptr || rows->records == 0 || SameValues(plan, sync, *before)) return {};
  return {fmt::format("mapping changed: all {} delivered rows are sent once more", rows->records)};
}

}  // namespace penstock::planner
