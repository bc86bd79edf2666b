#include "services/planner/app/apply_plan.h"

#include <algorithm>
#include <array>

namespace penstock::planner {
namespace {

// Referred to before those that refer.
constexpr std::array<std::string_view, 5> kStoreOrder = {"Source", "Connector", "Destination",
                                                         "Model", "Sync"};

ResourceProblem Problem(const Resource& resource, std::string field, std::string message) {
  return {std::string(KindName(resource)), MetadataOf(resource).name, std::move(field),
          std::move(message), ErrorCode::kINVALID_RESOURCE};
}

}  // namespace

std::string_view Name(ApplyAction action) {
  constexpr std::array<std::string_view, 4> kNames = {"created", "updated", "unchanged", "renamed"};
  return kNames[static_cast<size_t>(action)];
}

ApplyPlan::ApplyPlan(std::vector<Resource> declared, std::vector<StoredResource> stored,
                     std::span<const Resource> builtin, std::set<Id> deleted)
    : declared_(std::move(declared)),
      stored_(std::move(stored)),
      builtin_(builtin),
      deleted_(std::move(deleted)),
      changed_(deleted_) {
  for (const StoredResource& one : stored_) {
    stored_by_id_[IdOf(one.resource)] = &one;
    before_.Add(one.resource);
    after_.Add(one.resource);
  }
  before_.Add(builtin_);
  after_.Add(builtin_);
  for (const Resource& one : declared_) Classify(one);
  for (const auto& [to, from] : renamed_from_) after_.Remove(from.first, from.second);
  for (const auto& [kind, name] : deleted_) after_.Remove(kind, name);
  after_.Add(declared_);
}

ApplyPlan::Id ApplyPlan::IdOf(const Resource& resource) {
  return {std::string(KindName(resource)), MetadataOf(resource).name};
}

void ApplyPlan::Classify(const Resource& declared) {
  const Id id = IdOf(declared);
  const Id old = {id.first, MetadataOf(declared).renamed_from};
  const auto stored = stored_by_id_.find(id);
  ApplyAction action = ApplyAction::kCreated;
  if (stored != stored_by_id_.end()) {
    action = stored->second->resource == declared ? ApplyAction::kUnchanged : ApplyAction::kUpdated;
  } else if (!old.second.empty() && stored_by_id_.contains(old)) {
    action = ApplyAction::kRenamed;
    renamed_from_[id] = old;
    changed_.insert(old);
  }
  if (action != ApplyAction::kUnchanged) changed_.insert(id);
  actions_.push_back(action);
}

bool ApplyPlan::ChangesAnything() const {
  return !changed_.empty();
}

std::vector<ApplyPlan::Id> ApplyPlan::Deleted() const {
  std::vector<Id> out;
  for (auto kind = kStoreOrder.rbegin(); kind != kStoreOrder.rend(); ++kind) {
    for (const Id& id : deleted_) {
      if (id.first == *kind) out.push_back(id);
    }
  }
  return out;
}

std::vector<ResourceProblem> ApplyPlan::Check() const {
  std::vector<ResourceProblem> problems;
  CheckNames(problems);
  for (const Resource& one : declared_) {
    ValidateResource(one, problems);
    ValidateReferences(one, after_, problems);
  }
  // Stored ones that a change may have broken.
  std::set<Id> declared;
  for (const Resource& one : declared_) declared.insert(IdOf(one));
  const auto check = [&](const auto& all, std::string_view kind, auto touched) {
    for (const auto& [name, resource] : all) {
      if (touched(*resource) && !declared.contains({std::string(kind), name}))
        ValidateReferences(Resource(*resource), after_, problems);
    }
  };
  check(after_.models(), "Model", [&](const Model& m) { return TouchedModel(m); });
  check(after_.destinations(), "Destination",
        [&](const Destination& d) { return TouchedDestination(d); });
  check(after_.syncs(), "Sync", [&](const Sync& s) { return TouchedSync(s) || LostParent(s); });
  return problems;
}

void ApplyPlan::CheckNames(std::vector<ResourceProblem>& problems) const {
  std::set<Id> seen;
  for (const Resource& one : declared_) {
    if (!seen.insert(IdOf(one)).second)
      problems.push_back(Problem(one, "metadata.name", "is declared twice"));
  }
  for (const Resource& one : declared_) {
    const Id id = IdOf(one);
    const std::string& from = MetadataOf(one).renamed_from;
    const bool builtin = std::any_of(builtin_.begin(), builtin_.end(),
                                     [&](const Resource& b) { return IdOf(b) == id; });
    if (builtin)
      problems.push_back(
          Problem(one, "metadata.name", "is the name of a built-in connector; take another"));
    if (from.empty()) continue;
    if (seen.contains({id.first, from}) && from != id.second)
      problems.push_back(Problem(one, "metadata.renamed_from",
                                 "\"" + from + "\" is declared too; drop one of them"));
    if (stored_by_id_.contains(id) && stored_by_id_.contains({id.first, from}) && from != id.second)
      problems.push_back(Problem(
          one, "metadata.renamed_from",
          "both \"" + from + "\" and \"" + id.second + "\" exist already; drop renamed_from"));
  }
}

bool ApplyPlan::Touched(std::string_view kind, const std::string& name) const {
  return changed_.contains({std::string(kind), name});
}

bool ApplyPlan::TouchedModel(const Model& model) const {
  return Touched("Model", model.meta.name) || Touched("Source", model.source);
}

bool ApplyPlan::TouchedDestination(const Destination& destination) const {
  return Touched("Destination", destination.meta.name) ||
         Touched("Connector", destination.connector);
}

bool ApplyPlan::TouchedSync(const Sync& sync) const {
  // References to an old name count too: they are broken now.
  if (Touched("Sync", sync.meta.name) || Touched("Model", sync.model) ||
      Touched("Destination", sync.destination))
    return true;
  const Model* model = after_.FindModel(sync.model);
  const Destination* destination = after_.FindDestination(sync.destination);
  return (model != nullptr && TouchedModel(*model)) ||
         (destination != nullptr && TouchedDestination(*destination));
}

bool ApplyPlan::LostParent(const Sync& sync) const {
  const auto* after = std::get_if<AfterSchedule>(&sync.schedule);
  return after != nullptr &&
         std::any_of(after->syncs.begin(), after->syncs.end(),
                     [&](const std::string& parent) { return after_.FindSync(parent) == nullptr; });
}

std::vector<const Sync*> ApplyPlan::TouchedSyncs() const {
  std::vector<const Sync*> out;
  for (const auto& [name, sync] : after_.syncs()) {
    if (TouchedSync(*sync)) out.push_back(sync);
  }
  return out;
}

std::vector<ApplyPlan::ModelToDescribe> ApplyPlan::ModelsToDescribe() const {
  std::map<std::string, ModelToDescribe> out;
  const auto add = [&](const Model& model) -> ModelToDescribe& {
    return out
        .try_emplace(model.meta.name, ModelToDescribe{after_.FindSource(model.source), &model, {}})
        .first->second;
  };
  for (const auto& [name, model] : after_.models()) {
    if (TouchedModel(*model)) add(*model);
  }
  for (const Sync* sync : TouchedSyncs()) add(*after_.FindModel(sync->model)).syncs.push_back(sync);
  std::vector<ModelToDescribe> list;
  for (auto& [name, one] : out) list.push_back(std::move(one));
  return list;
}

std::vector<ApplyPlan::DeliveryToCheck> ApplyPlan::DeliveriesToCheck() const {
  std::map<std::string, DeliveryToCheck> out;
  const auto add = [&](const Destination& destination) -> DeliveryToCheck& {
    return out.try_emplace(destination.meta.name, DeliveryToCheck{&destination, {}}).first->second;
  };
  for (const auto& [name, destination] : after_.destinations()) {
    if (TouchedDestination(*destination)) add(*destination);
  }
  for (const Sync* sync : TouchedSyncs())
    add(*after_.FindDestination(sync->destination)).syncs.push_back(sync);
  std::vector<DeliveryToCheck> list;
  for (auto& [name, one] : out) list.push_back(std::move(one));
  return list;
}

Connector ApplyPlan::ConnectorOf(const Destination& destination) const {
  return EffectiveConnector(*after_.FindConnector(destination.connector), destination);
}

const Sync* ApplyPlan::StoredOf(const Sync& sync) const {
  const auto renamed = renamed_from_.find({"Sync", sync.meta.name});
  return before_.FindSync(renamed == renamed_from_.end() ? sync.meta.name : renamed->second.second);
}

bool ApplyPlan::SameDestination(std::string_view from, std::string_view to) const {
  const auto renamed = renamed_from_.find({"Destination", std::string(to)});
  return from == (renamed == renamed_from_.end() ? to : std::string_view(renamed->second.second));
}

std::vector<StoredResource> ApplyPlan::ToStore() const {
  std::map<Id, const Resource*> wanted;
  std::vector<Resource> dependents;
  dependents.reserve(after_.syncs().size());
  for (const Sync* sync : TouchedSyncs())
    wanted[{"Sync", sync->meta.name}] = &dependents.emplace_back(*sync);
  for (size_t i = 0; i < declared_.size(); ++i) {
    if (actions_[i] != ApplyAction::kUnchanged) wanted[IdOf(declared_[i])] = &declared_[i];
  }
  for (const Resource& one : builtin_) {
    const auto stored = stored_by_id_.find(IdOf(one));
    const bool current = stored != stored_by_id_.end() && stored->second->resource == one;
    const bool used =
        std::any_of(after_.destinations().begin(), after_.destinations().end(),
                    [&](const auto& d) { return d.second->connector == MetadataOf(one).name; });
    if (used && !current) wanted[IdOf(one)] = &one;
  }
  std::vector<StoredResource> out;
  for (std::string_view kind : kStoreOrder) {
    for (const auto& [id, resource] : wanted) {
      if (id.first != kind) continue;
      const auto renamed = renamed_from_.find(id);
      const auto stored = stored_by_id_.find(renamed == renamed_from_.end() ? id : renamed->second);
      out.push_back({*resource, stored == stored_by_id_.end() ? "" : stored->second->etag});
    }
  }
  return out;
}

}  // namespace penstock::planner
