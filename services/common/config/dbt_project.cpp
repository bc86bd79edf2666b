#include "services/common/config/dbt_project.h"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <filesystem>
#include <set>
#include <utility>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "services/common/core/file.h"
#include "services/common/core/nearest.h"
#include "services/common/core/status.h"

namespace penstock {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr int kOldestVersion = 12;  // written since dbt 1.8
constexpr std::string_view kAdapter = "postgres";
constexpr std::array<std::string_view, 3> kResourceTypes = {"model", "seed", "snapshot"};
constexpr uintmax_t kMaxManifestBytes = 1 << 30;
constexpr size_t kMaxDepth = 256;

absl::Status Wrong(std::string message) {
  return Error(ErrorCode::kINVALID_RESOURCE, std::move(message));
}

// The member of that name; null where there is none, or `value` is no object.
const json::value& At(const json::value& value, std::string_view name) {
  static const json::value kNothing;
  const json::object* object = value.if_object();
  const json::value* member = object == nullptr ? nullptr : object->if_contains(name);
  return member == nullptr ? kNothing : *member;
}

std::string TextOf(const json::value& value) {
  if (const json::string* text = value.if_string()) return std::string(*text);
  if (const int64_t* number = value.if_int64()) return std::to_string(*number);
  if (const double* number = value.if_double()) return fmt::format("{}", *number);
  return "";
}

// A text, or a list of them.
std::vector<std::string> TextsOf(const json::value& value) {
  std::vector<std::string> out;
  if (const json::array* list = value.if_array()) {
    for (const json::value& item : *list) out.push_back(TextOf(item));
  } else if (value.is_string()) {
    out.push_back(TextOf(value));
  }
  return out;
}

// unique_key may be an expression, which names no column.
bool IsColumn(std::string_view text) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_word);
}

void AddKey(std::vector<std::string> key, std::vector<std::vector<std::string>>& keys) {
  if (key.empty() || !std::all_of(key.begin(), key.end(), IsColumn)) return;
  if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(std::move(key));
}

bool IsPrimaryKey(const json::value& constraint) {
  return TextOf(At(constraint, "type")) == "primary_key";
}

std::vector<std::vector<std::string>> KeysOf(const json::value& node) {
  std::vector<std::vector<std::string>> keys;
  if (const json::array* constraints = At(node, "constraints").if_array()) {
    for (const json::value& constraint : *constraints) {
      if (IsPrimaryKey(constraint)) AddKey(TextsOf(At(constraint, "columns")), keys);
    }
  }
  if (const json::object* columns = At(node, "columns").if_object()) {
    for (const auto& [name, column] : *columns) {
      const json::array* constraints = At(column, "constraints").if_array();
      if (constraints != nullptr &&
          std::any_of(constraints->begin(), constraints->end(), IsPrimaryKey))
        AddKey({std::string(name)}, keys);
    }
  }
  AddKey(TextsOf(At(At(node, "config"), "unique_key")), keys);
  return keys;
}

// "https://schemas.getdbt.com/dbt/manifest/v12.json" -> 12; 0 where that is not what it says.
int VersionOf(std::string_view schema) {
  constexpr std::string_view kBefore = "/dbt/manifest/v";
  const size_t at = schema.find(kBefore);
  if (at == schema.npos) return 0;
  schema.remove_prefix(at + kBefore.size());
  int version = 0;
  std::from_chars(schema.data(), schema.data() + schema.size(), version);
  return version;
}

absl::Status CheckMetadata(const json::value& metadata) {
  const int version = VersionOf(TextOf(At(metadata, "dbt_schema_version")));
  if (version == 0) return Wrong("is no manifest of dbt; name the folder of a dbt project");
  if (version < kOldestVersion)
    return Wrong(fmt::format("is of version {}; {} and newer are read, which dbt writes since 1.8",
                             version, kOldestVersion));
  const std::string adapter = TextOf(At(metadata, "adapter_type"));
  if (adapter != kAdapter)
    return Wrong(
        fmt::format("is of the adapter \"{}\"; only {} is supported yet", adapter, kAdapter));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DbtManifest> DbtManifest::Parse(std::string_view text) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = kMaxDepth;
  const json::value manifest = json::parse(text, error, {}, options);
  if (error) return Wrong("is no JSON; let dbt write it anew: dbt parse");
  PENSTOCK_RETURN_IF_ERROR(CheckMetadata(At(manifest, "metadata")));
  DbtManifest out;
  const auto add = [&](const json::value& node, bool disabled) {
    const std::string type = TextOf(At(node, "resource_type"));
    if (std::find(kResourceTypes.begin(), kResourceTypes.end(), type) == kResourceTypes.end())
      return;
    out.nodes_.push_back({.name = TextOf(At(node, "name")),
                          .package = TextOf(At(node, "package_name")),
                          .version = TextOf(At(node, "version")),
                          .latest_version = TextOf(At(node, "latest_version")),
                          .materialized = TextOf(At(At(node, "config"), "materialized")),
                          .relation = {TextOf(At(node, "relation_name")), KeysOf(node)},
                          .disabled = disabled});
  };
  if (const json::object* nodes = At(manifest, "nodes").if_object()) {
    for (const auto& [id, node] : *nodes) add(node, false);
  }
  if (const json::object* disabled = At(manifest, "disabled").if_object()) {
    for (const auto& [id, list] : *disabled) {
      if (!list.is_array()) continue;
      for (const json::value& node : list.get_array()) add(node, true);
    }
  }
  return out;
}

std::vector<const DbtManifest::Node*> DbtManifest::Named(const DbtName& name) const {
  const size_t dot = name.model.find('.');
  const std::string package = dot == name.model.npos ? "" : name.model.substr(0, dot);
  const std::string own = dot == name.model.npos ? name.model : name.model.substr(dot + 1);
  std::vector<const Node*> out;
  for (const Node& node : nodes_) {
    if (node.name == own && (package.empty() || node.package == package)) out.push_back(&node);
  }
  return out;
}

absl::Status DbtManifest::FailName(const DbtName& name) const {
  std::vector<std::string_view> names;
  for (const Node& node : nodes_) names.push_back(node.name);
  return Wrong(fmt::format("dbt has no model, seed or snapshot \"{}\"{}", name.model,
                           DidYouMean(name.model, names)));
}

absl::StatusOr<DbtRelation> DbtManifest::Find(const DbtName& name) const {
  std::vector<const Node*> found = Named(name);
  if (found.empty()) return FailName(name);
  std::erase_if(found, [](const Node* node) { return node->disabled; });
  if (found.empty())
    return Wrong(fmt::format("\"{}\" is disabled in dbt; enable it there", name.model));
  std::set<std::string> full_names, versions;
  for (const Node* node : found) {
    full_names.insert(node->package + "." + node->name);
    if (!node->version.empty()) versions.insert(node->version);
  }
  if (full_names.size() > 1)
    return Wrong(fmt::format("several packages of dbt have \"{}\"; write one of {}", name.model,
                             fmt::join(full_names, ", ")));
  std::erase_if(found, [&](const Node* node) {
    return node->version != name.version.value_or(node->latest_version);
  });
  if (found.empty() && versions.empty())
    return Wrong(fmt::format("\"{}\" has no versions in dbt; leave version out", name.model));
  if (found.empty())
    return Wrong(fmt::format("\"{}\" has no version {} in dbt; it has {}", name.model,
                             name.version.value_or("that is the latest"),
                             fmt::join(versions, ", ")));
  const Node& node = *found.front();
  if (node.relation.table.empty())
    return Wrong(
        fmt::format("no table has the rows of \"{}\", which dbt materialises as {}; let "
                    "it be a table or view",
                    name.model, node.materialized));
  return node.relation;
}

absl::StatusOr<const DbtManifest*> DbtProjects::Open(const std::string& folder) {
  const fs::path path = fs::path(folder) / "target" / "manifest.json";
  const auto load = [&]() -> absl::StatusOr<DbtManifest> {
    const auto wrong = [&](std::string_view message) {
      return Wrong(fmt::format("{} {}", path.string(), message));
    };
    std::error_code error;
    if (!fs::is_regular_file(path, error))
      return wrong("is not there; dbt writes it, for one by: dbt parse");
    if (fs::file_size(path, error) > kMaxManifestBytes) return wrong("is over 1 GiB");
    const std::optional<std::string> text = ReadWholeFile(path.string());
    if (!text.has_value()) return wrong("can't be read");
    absl::StatusOr<DbtManifest> manifest = DbtManifest::Parse(*text);
    if (!manifest.ok()) return wrong(Std(manifest.status().message()));
    return manifest;
  };
  auto found = manifests_.find(folder);
  if (found == manifests_.end()) found = manifests_.emplace(folder, load()).first;
  if (!found->second.ok()) return found->second.status();
  return &*found->second;
}

}  // namespace penstock
