#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "services/common/testing/temp_dir.h"
#include "tests/unit/config_resources/messages.h"

// Models whose rows are named by other files: sql_file, and dbt's manifest.
namespace penstock {
namespace {

using ::penstock::testing::TempDir;
using ::penstock::testing::WriteFile;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A manifest as dbt writes it, cut down to a few nodes; what isn't read here stands there too.
constexpr std::string_view kManifest = R"({
  "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
               "dbt_version": "1.9.1", "adapter_type": "postgres", "project_name": "shop"},
  "nodes": {
    "model.shop.customers": {
      "resource_type": "model", "package_name": "shop", "name": "customers", "alias": "dim_customers",
      "relation_name": "\"analytics\".\"marts\".\"dim_customers\"",
      "config": {"materialized": "table", "unique_key": "customer_id"},
      "constraints": [{"type": "not_null"}, {"type": "primary_key", "columns": ["customer_id"]}],
      "columns": {"customer_id": {"name": "customer_id", "constraints": [{"type": "primary_key"}]},
                  "email": {"name": "email", "constraints": [{"type": "unique"}]}}},
    "model.shop.lines": {
      "resource_type": "model", "package_name": "shop", "name": "lines",
      "relation_name": "\"analytics\".\"marts\".\"lines\"",
      "config": {"materialized": "incremental", "unique_key": ["order_id", "line_no"]}},
    "model.shop.undecided": {
      "resource_type": "model", "package_name": "shop", "name": "undecided",
      "relation_name": "\"analytics\".\"marts\".\"undecided\"",
      "config": {"materialized": "table", "unique_key": "email"},
      "constraints": [{"type": "primary_key", "columns": ["id"]}]},
    "model.shop.keyless": {
      "resource_type": "model", "package_name": "shop", "name": "keyless",
      "relation_name": "\"analytics\".\"marts\".\"keyless\"",
      "config": {"materialized": "view", "unique_key": "a || '-' || b"}},
    "model.shop.staged": {
      "resource_type": "model", "package_name": "shop", "name": "staged", "relation_name": null,
      "config": {"materialized": "ephemeral"}},
    "model.shop.orders.v1": {
      "resource_type": "model", "package_name": "shop", "name": "orders", "version": 1,
      "latest_version": 2, "relation_name": "\"analytics\".\"marts\".\"orders_v1\"",
      "config": {"materialized": "table", "unique_key": "id"}},
    "model.shop.orders.v2": {
      "resource_type": "model", "package_name": "shop", "name": "orders", "version": 2,
      "latest_version": 2, "relation_name": "\"analytics\".\"marts\".\"orders\"",
      "config": {"materialized": "table", "unique_key": "id"}},
    "seed.shop.countries": {
      "resource_type": "seed", "package_name": "shop", "name": "countries",
      "relation_name": "\"analytics\".\"raw\".\"countries\"", "config": {"materialized": "seed"}},
    "seed.other.countries": {
      "resource_type": "seed", "package_name": "other", "name": "countries",
      "relation_name": "\"analytics\".\"other\".\"countries\"", "config": {"materialized": "seed"}},
    "test.shop.unique_customers": {
      "resource_type": "test", "package_name": "shop", "name": "unique_customers"}
  },
  "disabled": {"model.shop.old": [{"resource_type": "model", "package_name": "shop", "name": "old",
                                   "relation_name": "\"analytics\".\"marts\".\"old\"",
                                   "config": {"enabled": false, "materialized": "table"}}]}
})";

class ModelFilesTest : public ::testing::Test {
 protected:
  ModelFilesTest() {
    Write("dbt/target/manifest.json", kManifest);
    Write("sql/customers.sql", "SELECT 1 AS id -- ü\n");
  }

  void Write(const std::string& name, std::string_view content) {
    std::filesystem::create_directories((dir_ / name).parent_path());
    WriteFile(dir_ / name, content);
  }

  // A file of a Model with `fields`, beside a Source; line 5 is its first field.
  DeclaredResources Read(const std::string& fields) {
    Write("models/m.yaml",
          "apiVersion: penstock.dev/v1\nkind: Model\nmetadata: {name: m}\nspec:\n" + fields +
              "  source: x\n---\napiVersion: penstock.dev/v1\nkind: Source\nmetadata: {name: x}\n"
              "spec: {connector: postgres}\n");
    DeclaredResources declared = ReadResourceFiles({(dir_ / "models").string()});
    CheckDeclared(declared, {});
    return declared;
  }
  Model ReadModel(const std::string& fields) {
    const DeclaredResources declared = Read(fields);
    for (const ResourceError& error : declared.errors) ADD_FAILURE() << error.ToString();
    return std::get<Model>(declared.resources.at(0));
  }
  // What is wrong, with paths as from the test's folder.
  std::vector<std::string> Errors(const std::string& fields) {
    const std::string folder = dir_.path().string() + "/";
    std::vector<std::string> out;
    for (const ResourceError& error : Read(fields).errors) {
      std::string& text = out.emplace_back(error.ToString());
      for (size_t at = text.find(folder); at != text.npos; at = text.find(folder))
        text.erase(at, folder.size());
    }
    return out;
  }

  TempDir dir_{"model_files"};
};

const std::string kKey = "  primary_key: [id]\n";

TEST_F(ModelFilesTest, SqlFileIsTheQueryOfItsFile) {
  const Model model = ReadModel("  sql_file: ../sql/customers.sql\n" + kKey);
  EXPECT_EQ(model.sql, "SELECT 1 AS id -- ü\n");
  EXPECT_EQ(model.table, "");
}

TEST_F(ModelFilesTest, WhatTheWarehouseSaysOfAQueryIsToldOfItsFile) {
  const DeclaredResources declared = Read("  sql_file: ../sql/customers.sql\n" + kKey);
  const std::optional<FilePlace> place = declared.places.Find("Model", "m", "spec.sql");
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(place->file, (dir_ / "sql/customers.sql").string());
}

TEST_F(ModelFilesTest, ASqlFileThatCanNotBeReadIsToldWithItsName) {
  Write("sql/empty.sql", " \n");
  Write("sql/latin.sql", "SELECT '\xE9'");
  Write("sql/secret.sql", "SELECT '${secret:t}'");
  Write("sql/huge.sql", std::string(600'000, 'x'));
  Write("sql/rows.csv", "1,2");
  Write("sql/folder.sql/x", "");
  const std::pair<const char*, const char*> cases[] = {
      {"../sql/custmers.sql", "sql/custmers.sql: there is no such file"},
      {"/etc/x.sql",
       "must be relative to the file that names it, so that it is found on every machine"},
      {"5", "must be text; write \"5\" in quotes"},
      {"[a.sql]", "must be text, not a list"},
      {"../sql/empty.sql", "sql/empty.sql: is empty; write a SELECT"},
      {"../sql/latin.sql", "sql/latin.sql: is not UTF-8; save it as UTF-8"},
      {"../sql/huge.sql", "sql/huge.sql: is over 512 KiB, more than a Model may have"},
      {"../sql/rows.csv", "sql/rows.csv: must end in .sql"},
      {"../sql/folder.sql", "sql/folder.sql: there is no such file"},
      {"../sql/secret.sql", "secrets may be named only in config of a Source or Destination"},
  };
  for (const auto& [file, message] : cases)
    EXPECT_THAT(Errors("  sql_file: " + std::string(file) + "\n" + kKey),
                ElementsAre("models/m.yaml:5: spec.sql_file: " + std::string(message)));
}

TEST_F(ModelFilesTest, RowsComeFromOnePlace) {
  EXPECT_THAT(Errors("  sql_file: ../sql/customers.sql\n  table: t\n" + kKey),
              ElementsAre("models/m.yaml:6: spec.table: stands beside sql_file; keep one"));
  EXPECT_THAT(Errors("  table: t\n  dbt: {project: ../dbt, model: customers}\n" + kKey),
              ElementsAre("models/m.yaml:6: spec.dbt: stands beside table; keep one"));
}

TEST_F(ModelFilesTest, DbtNamesTableAndKey) {
  const Model customers = ReadModel("  dbt: {project: ../dbt, model: customers}\n");
  EXPECT_EQ(customers.table, R"("analytics"."marts"."dim_customers")");
  EXPECT_THAT(customers.primary_key, ElementsAre("customer_id"));
  EXPECT_THAT(ReadModel("  dbt: {project: ../dbt, model: lines}\n").primary_key,
              ElementsAre("order_id", "line_no"));
  const Model own = ReadModel("  dbt: {project: ../dbt, model: shop.undecided}\n" + kKey);
  EXPECT_THAT(own.primary_key, ElementsAre("id"));
}

TEST_F(ModelFilesTest, DbtsLatestVersionIsMeantWhereNoneIsNamed) {
  EXPECT_EQ(ReadModel("  dbt: {project: ../dbt, model: orders}\n").table,
            R"("analytics"."marts"."orders")");
  EXPECT_EQ(ReadModel("  dbt: {project: ../dbt, model: orders, version: 1}\n").table,
            R"("analytics"."marts"."orders_v1")");
}

TEST_F(ModelFilesTest, WhatDbtDoesNotSayClearlyIsAskedFor) {
  EXPECT_THAT(Errors("  dbt: {project: ../dbt, model: undecided}\n"),
              ElementsAre("models/m.yaml:5: spec.primary_key: is missing; dbt knows the keys [id] "
                          "and [email]: say which"));
  EXPECT_THAT(Errors("  dbt: {project: ../dbt, model: keyless}\n"),
              ElementsAre("models/m.yaml:4: spec.primary_key: is missing; name the columns that "
                          "identify a row"));
}

TEST_F(ModelFilesTest, AModelThatDbtDoesNotHaveIsTold) {
  const std::pair<const char*, const char*> cases[] = {
      {"custmers", "dbt has no model, seed or snapshot \"custmers\" (did you mean \"customers\"?)"},
      {"unique_customers", "dbt has no model, seed or snapshot \"unique_customers\""},
      {"old", "\"old\" is disabled in dbt; enable it there"},
      {"staged",
       "no table has the rows of \"staged\", which dbt materialises as ephemeral; let it be a "
       "table or view"},
      {"countries",
       "several packages of dbt have \"countries\"; write one of other.countries, "
       "shop.countries"},
      {"orders, version: 3", "\"orders\" has no version 3 in dbt; it has 1, 2"},
      {"customers, version: 3", "\"customers\" has no versions in dbt; leave version out"},
  };
  for (const auto& [name, message] : cases)
    EXPECT_THAT(Errors("  dbt: {project: ../dbt, model: " + std::string(name) + "}\n" + kKey),
                ElementsAre("models/m.yaml:5: spec.dbt: " + std::string(message)));
}

TEST_F(ModelFilesTest, WrongFieldsOfDbtAreTold) {
  const std::pair<const char*, const char*> cases[] = {
      {"{model: customers}", "models/m.yaml:5: spec.dbt.project: is missing"},
      {"{project: ../dbt}", "models/m.yaml:5: spec.dbt.model: is missing"},
      {"{project: /dbt, model: a}",
       "models/m.yaml:5: spec.dbt: must be relative to the file that names it, so that it is "
       "found on every machine"},
      {"{project: 5, model: a}",
       "models/m.yaml:5: spec.dbt.project: must be text; write \"5\" in quotes"},
      {"{project: ../dbt, model: [a]}",
       "models/m.yaml:5: spec.dbt.model: must be text, not a list"},
      {"{project: ../dbt, model: orders, version: [1]}",
       "models/m.yaml:5: spec.dbt.version: must be text, not a list"},
      {"customers", "models/m.yaml:5: spec.dbt: must be a mapping, not text"},
  };
  for (const auto& [dbt, message] : cases)
    EXPECT_THAT(Errors("  dbt: " + std::string(dbt) + "\n" + kKey), ElementsAre(message));
}

TEST_F(ModelFilesTest, AManifestThatCanNotBeReadIsToldWithItsName) {
  const auto of = [&](std::string_view manifest) {
    Write("dbt2/target/manifest.json", manifest);
    return Errors("  dbt: {project: ../dbt2, model: a}\n" + kKey);
  };
  const std::string at = "models/m.yaml:5: spec.dbt: ";
  const std::string file = "dbt2/target/manifest.json ";
  EXPECT_THAT(Errors("  dbt: {project: ../dbt3, model: a}\n" + kKey),
              ElementsAre(at + "dbt3/target/manifest.json is not there; dbt writes it, for one "
                               "by: dbt parse"));
  EXPECT_THAT(of("{\"metadata\": "),
              ElementsAre(at + file + "is no JSON; let dbt write it anew: dbt parse"));
  EXPECT_THAT(of(std::string(300, '[')),
              ElementsAre(at + file + "is no JSON; let dbt write it anew: dbt parse"));
  EXPECT_THAT(of("[1]"),
              ElementsAre(at + file + "is no manifest of dbt; name the folder of a dbt project"));
  const auto version = [](std::string_view number, std::string_view adapter) {
    return fmt::format(R"({{"metadata": {{"dbt_schema_version": )"
                       R"("https://schemas.getdbt.com/dbt/manifest/v{}.json", "adapter_type": )"
                       R"("{}"}}, "nodes": []}})",
                       number, adapter);
  };
  EXPECT_THAT(of(version("9", "postgres")),
              ElementsAre(at + file +
                          "is of version 9; 12 and newer are read, which dbt writes since 1.8"));
  EXPECT_THAT(
      of(version("12", "snowflake")),
      ElementsAre(at + file + "is of the adapter \"snowflake\"; only postgres is supported yet"));
  EXPECT_THAT(of(version("13", "postgres")),
              ElementsAre(at + "dbt has no model, seed or snapshot \"a\""));
}

}  // namespace
}  // namespace penstock
