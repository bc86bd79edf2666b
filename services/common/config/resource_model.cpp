#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "fmt/ranges.h"
#include "services/common/config/resource_kinds.h"
#include "services/common/core/file.h"
#include "services/common/core/status.h"
#include "services/common/core/utf8.h"

// Model: where its rows come from. Files that it names are read here, so that whoever is asked
// later knows a table or a query only.
namespace penstock {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> kOrigins = {"table", "sql", "sql_file", "dbt"};
constexpr uintmax_t kMaxSqlBytes = 512 << 10;

// A path from the folder of the file that names it; nullopt after saying why it can't be.
std::optional<fs::path> Beside(const std::string& path, const FieldScope& scope) {
  if (fs::path(path).is_absolute()) {
    scope.Fail("must be relative to the file that names it, so that it is found on every machine");
    return std::nullopt;
  }
  return (fs::path(scope.file()).parent_path() / path).lexically_normal();
}

// Why a file can't be a query; empty: it can.
std::string_view WhyNoQuery(const fs::path& path, std::optional<std::string>& text) {
  std::error_code error;
  if (path.extension() != ".sql") return "must end in .sql";
  if (!fs::is_regular_file(path, error)) return "there is no such file";
  if (fs::file_size(path, error) > kMaxSqlBytes)
    return "is over 512 KiB, more than a Model may have";
  text = ReadWholeFile(path.string());
  if (!text.has_value()) return "can't be read";
  if (!IsUtf8(*text) || text->find('\0') != text->npos) return "is not UTF-8; save it as UTF-8";
  if (text->find_first_not_of(" \t\r\n") == text->npos) return "is empty; write a SELECT";
  return "";
}

struct SqlFile {
  std::string path;
  std::string text;
};

struct SqlFileForm {
  static void Read(const YamlValue& value, const FieldScope& scope, SqlFile& out) {
    std::string name;
    TextForm::Read(value, scope, name);
    if (name.empty()) return;
    const std::optional<fs::path> path = Beside(name, scope);
    if (!path.has_value()) return;
    std::optional<std::string> text;
    if (const std::string_view why = WhyNoQuery(*path, text); !why.empty())
      return scope.Fail(fmt::format("{}: {}", path->string(), why));
    RefuseSecretsIn(*text, scope);
    out = {path->string(), *std::move(text)};
  }
  static JsonSchema Schema() { return {{"type", "string"}, {"pattern", "^[^/].*\\.sql$"}}; }
};

struct DbtOrigin {
  std::string project;
  DbtName name;
};

constexpr Field<DbtOrigin> kDbt[] = {
    {"project", Into<&DbtOrigin::project>,
     "The folder of the dbt project, from this file's; target/manifest.json is read", true},
    {"model", IntoPart<&DbtOrigin::name, &DbtName::model>,
     "A model, seed or snapshot by its name, or by package.name", true},
    {"version", IntoPart<&DbtOrigin::name, &DbtName::version, OptionalForm<PlainForm>>,
     "Of a model with versions; default: the latest"},
};

struct DbtForm {
  static void Read(const YamlValue& value, const FieldScope& scope, DbtRelation& out) {
    DbtOrigin origin;
    ReadFields<DbtOrigin>(value, scope, kDbt, origin);
    for (const std::string_view field : {"project", "model"}) {
      if (value.kind == YamlValue::Kind::kMap && value.Find(field) == nullptr)
        scope.Child(field, value.line).Fail("is missing");
    }
    const bool right = !origin.project.empty() && !origin.name.model.empty() &&
                       origin.name.version.value_or("latest") != "";
    if (right) Resolve(origin, scope, out);
  }
  static JsonSchema Schema() { return FieldsSchema<DbtOrigin>(kDbt); }

 private:
  static void Resolve(const DbtOrigin& origin, const FieldScope& scope, DbtRelation& out) {
    const std::optional<fs::path> folder = Beside(origin.project, scope);
    if (!folder.has_value()) return;
    const absl::StatusOr<const DbtManifest*> manifest = scope.dbt().Open(folder->string());
    if (!manifest.ok()) return scope.Fail(Std(manifest.status().message()));
    absl::StatusOr<DbtRelation> relation = (*manifest)->Find(origin.name);
    if (!relation.ok()) return scope.Fail(Std(relation.status().message()));
    out = *std::move(relation);
  }
};

struct ModelFields {
  Model model;
  SqlFile sql_file;
  DbtRelation relation;
};

constexpr Field<ModelFields> kModel[] = {
    {"source", IntoPart<&ModelFields::model, &Model::source, NameForm>,
     "The Source that has the rows", true},
    {"table", IntoPart<&ModelFields::model, &Model::table>,
     "A table or view, with its schema or found in the Source's"},
    {"sql", IntoPart<&ModelFields::model, &Model::sql>, "A query without ;"},
    {"sql_file", Into<&ModelFields::sql_file, SqlFileForm>,
     "A file with the query, from this file's folder"},
    {"dbt", Into<&ModelFields::relation, DbtForm>, "What dbt has built, by its manifest"},
    {"primary_key", IntoPart<&ModelFields::model, &Model::primary_key>,
     "The columns that name a row; with dbt: its key, where it has exactly one"},
    {"incremental"},
};

// False after saying so when rows would come from two places.
bool ExpectOneOrigin(const YamlValue& spec, const FieldScope& scope) {
  std::string_view first;
  for (const YamlMember& member : spec.members) {
    if (std::find(kOrigins.begin(), kOrigins.end(), member.key) == kOrigins.end()) continue;
    if (first.empty()) {
      first = member.key;
    } else if (member.key != first) {
      scope.Child(member.key, member.line).Fail(fmt::format("stands beside {}; keep one", first));
      return false;
    }
  }
  return true;
}

std::string ColumnList(const std::vector<std::vector<std::string>>& keys) {
  std::string out;
  for (const std::vector<std::string>& key : keys)
    out += fmt::format("{}[{}]", out.empty() ? "" : " and ", fmt::join(key, ", "));
  return out;
}

// dbt's key is the Model's, where there is one and the Model has none of its own.
void TakeKey(const YamlValue& spec, const FieldScope& scope, const DbtRelation& relation,
             Model& out) {
  if (spec.Find("primary_key") != nullptr) return;
  if (relation.keys.size() == 1) out.primary_key = relation.keys.front();
  if (relation.keys.size() > 1)
    scope.Child("primary_key", spec.line)
        .Fail(
            fmt::format("is missing; dbt knows the keys {}: say which", ColumnList(relation.keys)));
}

}  // namespace

void FormOf<Model>::Read(const YamlValue& spec, const FieldScope& scope, Model& out) {
  ModelFields fields;
  ReadFields<ModelFields>(spec, scope, kModel, fields);
  fields.model.meta = std::move(out.meta);
  out = std::move(fields.model);
  if (!ExpectOneOrigin(spec, scope)) {
    out.table.clear();
    out.sql.clear();
  } else if (!fields.sql_file.path.empty()) {
    // What the warehouse has against it is told of that file.
    scope.Child("sql", spec.line).RememberAt({fields.sql_file.path, 0});
    out.sql = std::move(fields.sql_file.text);
  } else if (!fields.relation.table.empty()) {
    TakeKey(spec, scope, fields.relation, out);
    out.table = std::move(fields.relation.table);
  }
}

JsonSchema FormOf<Model>::Schema() {
  JsonSchema schema = FieldsSchema<ModelFields>(kModel);
  boost::json::array one_of;
  for (const std::string_view origin : kOrigins)
    one_of.emplace_back(JsonSchema{{"required", boost::json::array{origin}}});
  schema["oneOf"] = std::move(one_of);
  return schema;
}

}  // namespace penstock
