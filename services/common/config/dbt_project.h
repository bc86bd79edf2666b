#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

// What dbt has built, as target/manifest.json of its project says: one of the schema
// https://schemas.getdbt.com/dbt/manifest/v12.json or newer, of which only what is needed is read.
namespace penstock {

// What a Model asks for: a model, seed or snapshot by its name, or by "package.name" where several
// packages have one of that name.
struct DbtName {
  std::string model;
  std::optional<std::string> version;  // absent: the latest
};

struct DbtRelation {
  std::string table;  // quoted as dbt quotes it: "\"analytics\".\"marts\".\"customers\""
  // The keys that dbt knows of it: its primary key constraint, config.unique_key; each once.
  std::vector<std::vector<std::string>> keys;
};

class DbtManifest {
 public:
  // INVALID_RESOURCE when `json` is no manifest, or one of an older dbt or of another warehouse.
  static absl::StatusOr<DbtManifest> Parse(std::string_view json);

  // INVALID_RESOURCE says why there is no table, and what to do.
  absl::StatusOr<DbtRelation> Find(const DbtName& name) const;

 private:
  struct Node {
    std::string name;
    std::string package;
    std::string version;         // empty: it has none
    std::string latest_version;  // of all its versions
    std::string materialized;
    DbtRelation relation;
    bool disabled = false;
  };

  std::vector<const Node*> Named(const DbtName& name) const;
  absl::Status FailName(const DbtName& name) const;
  std::vector<Node> nodes_;
};

// The manifests of projects, each read once.
class DbtProjects {
 public:
  // By the project's folder; INVALID_RESOURCE names the file and what to do. The manifest lives as
  // long as this.
  absl::StatusOr<const DbtManifest*> Open(const std::string& folder);

 private:
  std::map<std::string, absl::StatusOr<DbtManifest>> manifests_;
};

}  // namespace penstock
