#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "cli/output.h"
#include "cli/resource_list.h"
#include "cli/verbs.h"
#include "fmt/format.h"
#include "services/common/config/builtin/builtin_connectors.h"
#include "services/common/core/nearest.h"
#include "services/common/core/status.h"
#include "services/common/core/units.h"
#include "services/common/model/config_keys.h"
#include "services/common/model/object_modes.h"

// connectors: what destinations can be, and what they can do.
namespace penstock::cli {
namespace {

constexpr std::string_view kDeclaredInline = "as its Destination says";

struct Known {
  Connector connector;
  bool built_in = false;
};

// Those that were applied, and the built-in ones: state keeps a copy of them that are in use.
absl::StatusOr<std::map<std::string, Known>> Load(Session& session) {
  std::map<std::string, Known> out;
  PENSTOCK_ASSIGN_OR_RETURN(std::vector<Listed> listed, ListResources(session, "Connector"));
  for (Listed& one : listed) {
    auto& connector = std::get<Connector>(one.resource);
    const std::string name = connector.meta.name;
    out[name] = {std::move(connector), false};
  }
  for (const Resource& one : BuiltinConnectors()) {
    const auto& connector = std::get<Connector>(one);
    out[connector.meta.name] = {connector, true};
  }
  return out;
}

// Words in the order in which they come, each once.
class Words {
 public:
  void Add(std::string_view word) {
    if (!seen_.insert(std::string(word)).second) return;
    if (!text_.empty()) text_ += ", ";
    text_ += word;
  }
  std::string Text(std::string_view otherwise = "") const {
    return text_.empty() ? std::string(otherwise) : text_;
  }

 private:
  std::set<std::string> seen_;
  std::string text_;
};

void AddModes(const ObjectSpec& object, Words& out) {
  for (const Mode mode : ModesOf(object)) out.Add(Name(mode));
}

void AddBatches(const ObjectSpec& object, Words& out) {
  for (const auto& [operation, spec] : object.operations)
    out.Add(fmt::format("{} records or {}", Thousands(spec.batch.max_records),
                        FormatByteSize(spec.batch.max_bytes)));
}

std::string QuotasText(const Connector& connector) {
  Words out;
  for (const auto& [name, quota] : connector.quotas) {
    out.Add(quota.concurrency > 0 ? fmt::format("{} requests at once", quota.concurrency)
                                  : fmt::format("{} requests per {}", Thousands(quota.requests),
                                                FormatDuration(quota.per)));
  }
  return out.Text();
}

void PrintAll(const std::map<std::string, Known>& all) {
  TableRows rows = {{"NAME", "FROM", "OBJECTS", "MODES", "BATCH", "QUOTAS"}};
  for (const auto& [name, known] : all) {
    Words objects, modes, batches;
    for (const auto& [object, spec] : known.connector.objects) {
      objects.Add(object == "*" ? "any" : object);
      AddModes(spec, modes);
      AddBatches(spec, batches);
    }
    rows.push_back({name, known.built_in ? "penstock" : "you", objects.Text(kDeclaredInline),
                    modes.Text(kDeclaredInline), batches.Text(), QuotasText(known.connector)});
  }
  PrintTable(rows);
}

std::vector<std::string> ObjectRow(const std::string& name, const ObjectSpec& object) {
  Words modes, identity, options, batches;
  AddModes(object, modes);
  AddBatches(object, batches);
  for (const std::string& field : object.identity) identity.Add(field);
  for (const auto& [option, target] : object.options)
    options.Add(target ? option + " (target)" : option);
  return {name, modes.Text(), identity.Text("any"), options.Text("none"), batches.Text()};
}

void PrintOne(const Known& known) {
  const Connector& connector = known.connector;
  TableRows facts = {{"name", connector.meta.name}};
  const auto add = [&](const char* name, const std::string& text) {
    if (!text.empty()) facts.push_back({name, text});
  };
  add("description", connector.meta.description);
  add("from", known.built_in ? "penstock" : "you");
  add("base_url", connector.base_url);
  if (const auto type = connector.auth.find("type"); type != connector.auth.end())
    add("auth", type->second);
  add("quotas", QuotasText(connector));
  PrintTable(facts);
  if (!connector.objects.empty()) {
    TableRows objects = {{"OBJECT", "MODES", "IDENTITY", "OPTIONS", "BATCH"}};
    for (const auto& [name, object] : connector.objects) objects.push_back(ObjectRow(name, object));
    Print("\n");
    PrintTable(objects);
  }
  TableRows config = {{"CONFIG", "REQUIRED", "MEANING"}};
  for (const ConfigKey& key : ConfigKeysOf(connector))
    config.push_back({key.name, key.required ? "yes" : "no", key.meaning});
  Print("\n");
  PrintTable(config);
}

ExitCode Connectors(Session& session, const std::string& name) {
  auto all = Load(session);
  if (!all.ok()) return Fail(all.status());
  if (!name.empty() && !all->contains(name)) {
    std::vector<std::string_view> names;
    for (const auto& [known, connector] : *all) names.push_back(known);
    return Fail(Error(ErrorCode::kRESOURCE_NOT_FOUND, fmt::format("there is no Connector \"{}\"{}",
                                                                  name, DidYouMean(name, names))));
  }
  if (!name.empty()) std::erase_if(*all, [&](const auto& entry) { return entry.first != name; });
  if (session.format == Format::kJson || session.format == Format::kYaml) {
    std::vector<Resource> manifests;
    for (const auto& [known, connector] : *all) manifests.emplace_back(connector.connector);
    if (!name.empty()) {
      PrintDocument(manifests.front(), session.format);
    } else {
      PrintDocuments(manifests, session.format);
    }
  } else if (session.format == Format::kName) {
    for (const auto& [known, connector] : *all) fmt::print("Connector/{}\n", known);
  } else if (name.empty()) {
    PrintAll(*all);
  } else {
    PrintOne(all->at(name));
  }
  return ExitCode::kDone;
}

}  // namespace

void AddConnectorVerb(Verbs& verbs) {
  const auto name = std::make_shared<std::string>();
  CLI::App* connectors =
      verbs.AddRemote("connectors", "Show what destinations can be, and what they can do",
                      "penstock connectors hubspot",
                      [&session = verbs.session, name] { return Connectors(session, *name); });
  connectors->add_option("connector", *name, "Only this one, with its objects and config");
}

}  // namespace penstock::cli
