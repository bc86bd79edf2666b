#include "tests/scenarios/declare.h"

#include <stdexcept>

#include "fmt/format.h"
#include "services/common/config/resource_reader.h"
#include "services/common/convert/resources.h"
#include "services/common/core/status.h"

namespace penstock::scenario {
namespace {

constexpr std::string_view kDefaults = R"(
source:
  apiVersion: penstock.dev/v1
  kind: Source
  metadata: {name: warehouse}
  spec:
    connector: postgres
    config: {host: 127.0.0.1, port: "${warehouse_port}", database: warehouse, user: postgres, tls: disable}
    schema: public
destination:
  apiVersion: penstock.dev/v1
  kind: Destination
  metadata: {name: store}
  spec:
    connector: http
    config:
      base_url: "${store}"
    objects: {records: {}}
model:
  apiVersion: penstock.dev/v1
  kind: Model
  metadata: {name: people}
  spec: {source: warehouse, table: people, primary_key: [id]}
sync:
  apiVersion: penstock.dev/v1
  kind: Sync
  metadata: {name: people}
  spec:
    model: people
    destination: store
    object: records
    mode: upsert
    identity: [email]
    mapping: {email: email, name: name}
)";

constexpr std::string_view kOperation = R"(
request:
  method: POST
  path: /${operation}
  body:
    records:
      $each: record
      $do: {n: $record.index, key: $record.identity, idem: $record.key, fields: $record.data}
batch: {max_records: 100}
confirms: record
result:
  results: /results
  record: /n
  errors: /errors
  error_record: /n
  code: /code
  message: /message
  conflict_codes: [exists]
  not_found_codes: [missing]
)";

std::string Replace(std::string text, std::string_view what, const std::string& by) {
  for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

// The same request for all five, but that a removal has no fields.
YAML::Node Operations() {
  YAML::Node out;
  for (const char* name : {"upsert", "update", "insert", "remove", "append"}) {
    YAML::Node operation = YAML::Load(Replace(std::string(kOperation), "${operation}", name));
    if (std::string_view(name) == "remove")
      operation["request"]["body"]["records"]["$do"].remove("fields");
    out[name] = operation;
  }
  return out;
}

std::string Emit(const YAML::Node& node) {
  YAML::Emitter out;
  out << node;
  return out.c_str();
}

}  // namespace

YAML::Node Overlay(const YAML::Node& under, const YAML::Node& over) {
  if (!over.IsDefined()) return YAML::Clone(under);
  if (!under.IsMap() || !over.IsMap()) return YAML::Clone(over);
  YAML::Node out = YAML::Clone(under);
  for (const auto& entry : over) {
    const std::string name = entry.first.as<std::string>();
    const YAML::Node old = under[name];
    out[name] = old.IsDefined() ? Overlay(old, entry.second) : YAML::Clone(entry.second);
  }
  return out;
}

std::vector<v1::Resource> Declare(const YAML::Node& scenario, const Endpoints& endpoints) {
  YAML::Node defaults = YAML::Load(std::string(kDefaults));
  defaults["destination"]["spec"]["objects"]["records"]["operations"] = Operations();
  std::string text;
  for (const char* kind : {"source", "destination", "model", "sync"}) {
    YAML::Node resource = defaults[kind];
    YAML::Node own = scenario[kind];
    // A mapping and a whole request are replaced, not merged.
    if (own.IsDefined() && own["mapping"].IsDefined()) resource["spec"].remove("mapping");
    if (own.IsDefined() && own["sql"].IsDefined()) resource["spec"].remove("table");
    if (own.IsDefined() && own["metadata"].IsDefined()) {
      resource["metadata"] = Overlay(resource["metadata"], own["metadata"]);
      own = YAML::Clone(own);
      own.remove("metadata");
    }
    resource["spec"] = Overlay(resource["spec"], own);
    text += Emit(resource) + "\n---\n";
  }
  for (const YAML::Node& resource : scenario["more"]) text += Emit(resource) + "\n---\n";
  text = Replace(std::move(text), "${store}", endpoints.store_url);
  text = Replace(std::move(text), "${gated_store}",
                 fmt::format("http://127.0.0.1:{}", endpoints.store_gate_port));
  text = Replace(std::move(text), "${store_ca}", endpoints.store_ca);
  text =
      Replace(std::move(text), "${warehouse_gate}", std::to_string(endpoints.warehouse_gate_port));
  text = Replace(std::move(text), "${warehouse_port}", std::to_string(endpoints.warehouse_port));

  DeclaredResources declared;
  ReadResources("scenario", text, declared);
  if (!declared.errors.empty()) {
    std::string all;
    for (const ResourceError& error : declared.errors) all += error.ToString() + "\n";
    throw std::runtime_error("the scenario's resources: " + all + text);
  }
  std::vector<v1::Resource> out;
  for (const Resource& resource : declared.resources) out.push_back(ToProto(resource));
  return out;
}

}  // namespace penstock::scenario
