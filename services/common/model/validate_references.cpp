#include <algorithm>

#include "services/common/core/nearest.h"
#include "services/common/model/auth.h"
#include "services/common/model/config_keys.h"
#include "services/common/model/validate_report.h"

// What resources ask of one another.
namespace penstock {
namespace {

template <typename T>
std::string Suggest(std::string_view name, const std::map<std::string, T, std::less<>>& all) {
  std::vector<std::string_view> names;
  for (const auto& [known, ignored] : all) names.push_back(known);
  return DidYouMean(name, names);
}

template <typename Range>
std::string SuggestOf(std::string_view name, const Range& range) {
  const std::vector<std::string_view> names(range.begin(), range.end());
  return DidYouMean(name, names);
}

std::string Join(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

std::string Quoted(std::string_view kind, std::string_view name) {
  return std::string(kind) + " \"" + std::string(name) + "\"";
}

void CheckModel(const Model& model, const ResourceSet& all, const ProblemReport& report) {
  if (!model.source.empty() && all.FindSource(model.source) == nullptr)
    report.Add("spec.source", "there is no " + Quoted("Source", model.source) +
                                  Suggest(model.source, all.sources()));
}

// Its config has what the connector needs, and nothing that the connector doesn't know.
void CheckConfig(const Destination& destination, const Connector& connector,
                 const ProblemReport& report) {
  const bool own_auth = !OwnAuth(destination.config).empty();
  Connector used = connector;
  if (own_auth) used.auth.clear();
  const std::vector<ConfigKey> keys = ConfigKeysOf(used);
  std::vector<std::string> names;
  for (const ConfigKey& key : keys) {
    names.push_back(key.name);
    // What its own requests lack was told of them.
    const bool told = !destination.objects.empty() && key.name != "base_url";
    if (key.required && !told && !destination.config.contains(key.name))
      report.Add("spec.config." + key.name,
                 "is missing; " + Quoted("Connector", connector.meta.name) + " needs it " +
                     (key.name == "base_url" ? "to know " : "") + key.meaning);
  }
  for (const auto& [name, value] : destination.config) {
    if (name.starts_with("auth.") && connector.native.empty()) continue;
    if (name == "auth" && connector.native.empty()) {
      report.Add("spec.config.auth", "must be a mapping, like {type: none}");
      continue;
    }
    if (std::find(names.begin(), names.end(), name) == names.end())
      report.Add("spec.config." + name, Quoted("Connector", connector.meta.name) +
                                            " has no use for it" + SuggestOf(name, names) +
                                            "; it knows " + Join(names));
  }
}

void CheckDestination(const Destination& destination, const ResourceSet& all,
                      const ProblemReport& report) {
  if (destination.connector.empty()) return;
  const Connector* connector = all.FindConnector(destination.connector);
  if (connector == nullptr)
    return report.Add("spec.connector", "there is no " +
                                            Quoted("Connector", destination.connector) +
                                            Suggest(destination.connector, all.connectors()));
  CheckConfig(destination, EffectiveConnector(*connector, destination), report);
}

void CheckIdentity(const Sync& sync, const ObjectSpec& object, const ProblemReport& report) {
  if (object.identity.empty()) return;
  const auto is_mapped = [&](const std::string& name) {
    return std::any_of(sync.mapping.begin(), sync.mapping.end(),
                       [&](const FieldMapping& m) { return FieldName(m.path) == name; });
  };
  for (const std::string& name : sync.identity) {
    if (!is_mapped(name)) continue;  // told by the Sync's own rules
    if (std::find(object.identity.begin(), object.identity.end(), name) == object.identity.end())
      report.Add("spec.identity", "\"" + name + "\" can't be the identity of \"" + sync.object +
                                      "\"" + SuggestOf(name, object.identity) + "; use " +
                                      Join(object.identity));
  }
}

void CheckOptions(const Sync& sync, const ObjectSpec& object, const ProblemReport& report) {
  std::vector<std::string> known;
  for (const auto& [name, target] : object.options) known.push_back(name);
  for (const auto& [name, value] : sync.options) {
    if (!object.options.contains(name))
      report.Add("spec.options." + name,
                 "\"" + sync.object + "\" has no option \"" + name + "\"" + SuggestOf(name, known));
  }
  for (const auto& [name, target] : object.options) {
    if (target && !sync.options.contains(name))
      report.Add("spec.options." + name, "is missing; it is part of what this Sync writes to");
  }
}

void CheckOperations(const Sync& sync, const Connector& connector, const ObjectSpec& object,
                     const ProblemReport& report) {
  if (Name(sync.mode).empty()) return;
  const std::string where =
      Quoted("Connector", connector.meta.name) + " can't do for \"" + sync.object + "\"";
  std::vector<std::string> can;
  for (const auto& [operation, spec] : object.operations) can.emplace_back(Name(operation));
  const Operation operation = OperationFor(sync.mode);
  if (!object.operations.contains(operation))
    report.Add("spec.mode", "mode " + std::string(Name(sync.mode)) + " needs the operation " +
                                std::string(Name(operation)) + ", which " + where + "; it has " +
                                Join(can));
  if (sync.Removes() && !object.operations.contains(Operation::kRemove))
    report.Add(sync.mode == Mode::kMirror ? "spec.mode" : "spec.on_removed",
               "removing needs the operation remove, which " + where + "; it has " + Join(can));
}

struct Target {
  std::string text;
  bool found = false;
};

Target TargetIn(const Sync& sync, const ResourceSet& all) {
  const Destination* destination = all.FindDestination(sync.destination);
  if (destination == nullptr) return {};
  const Connector* connector = all.FindConnector(destination->connector);
  if (connector == nullptr) return {};
  const Connector effective = EffectiveConnector(*connector, *destination);
  return {TargetOf(sync, destination->Account(), FindObject(effective, sync.object)), true};
}

// One removing Sync per target, and it must know of other writers.
void CheckTarget(const Sync& sync, const ResourceSet& all, const ProblemReport& report) {
  const Target target = TargetIn(sync, all);
  if (!target.found) return;
  for (const auto& [name, other] : all.syncs()) {
    if (name == sync.meta.name || TargetIn(*other, all).text != target.text) continue;
    const std::string same = Quoted("Sync", name) + " writes to the same object";
    if (sync.Removes() && other->Removes()) {
      report.Add("spec.mode", same + " and removes too; only one Sync of a target may remove");
    } else if (sync.Removes() && !sync.shared) {
      report.Add("spec.shared", same + "; a Sync that removes must say shared: true beside it");
    } else if (other->Removes() && !other->shared) {
      report.Add("spec.object", same + " and removes without shared: true; set it there");
    }
  }
}

void CheckSync(const Sync& sync, const ResourceSet& all, const ProblemReport& report) {
  CheckSchedule(sync, all, report);
  if (!sync.model.empty() && all.FindModel(sync.model) == nullptr)
    report.Add("spec.model",
               "there is no " + Quoted("Model", sync.model) + Suggest(sync.model, all.models()));
  if (sync.destination.empty()) return;
  const Destination* destination = all.FindDestination(sync.destination);
  if (destination == nullptr)
    return report.Add("spec.destination", "there is no " + Quoted("Destination", sync.destination) +
                                              Suggest(sync.destination, all.destinations()));
  const Connector* connector = all.FindConnector(destination->connector);
  if (connector == nullptr || sync.object.empty()) return;
  const Connector effective = EffectiveConnector(*connector, *destination);
  const ObjectSpec* object = FindObject(effective, sync.object);
  if (object == nullptr) {
    std::vector<std::string> names;
    for (const auto& [name, spec] : effective.objects) names.push_back(name);
    return report.Add("spec.object", Quoted("Connector", connector->meta.name) +
                                         " has no object \"" + sync.object + "\"" +
                                         SuggestOf(sync.object, names) +
                                         (names.empty() ? "" : "; it has " + Join(names)));
  }
  CheckOperations(sync, effective, *object, report);
  CheckIdentity(sync, *object, report);
  CheckOptions(sync, *object, report);
  CheckTarget(sync, all, report);
}

}  // namespace

void ValidateReferences(const Resource& resource, const ResourceSet& all,
                        std::vector<ResourceProblem>& problems) {
  const ProblemReport report(resource, problems);
  if (const auto* model = std::get_if<Model>(&resource)) CheckModel(*model, all, report);
  if (const auto* destination = std::get_if<Destination>(&resource))
    CheckDestination(*destination, all, report);
  if (const auto* sync = std::get_if<Sync>(&resource)) CheckSync(*sync, all, report);
}

}  // namespace penstock
