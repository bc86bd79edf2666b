#include <gmock/gmock.h>

#include <atomic>
#include <cstdlib>
#include <mutex>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "services/common/config/resource_reader.h"
#include "services/common/convert/resources.h"
#include "services/common/pg/pg_connection.h"
#include "services/common/testing/wait_for.h"
#include "tests/integration/values/random_values.h"
#include "tests/scenarios/api.h"
#include "tests/scenarios/cluster.h"
#include "tests/scenarios/world.h"
#include "tests/support/http/test_server.h"

// Random values of every type that a column can have go from PostgreSQL through a whole cluster, to
// an HTTP API and into a table, and are compared with the source in SQL. PENSTOCK_SEED takes
// another seed.
namespace penstock {
namespace {

using scenario::Cluster;

constexpr int kRounds = 5, kRows = 40;
constexpr uint64_t kDefaultSeed = 20260329;

constexpr std::string_view kConnections = R"(
apiVersion: penstock.dev/v1
kind: Source
metadata: {name: warehouse}
spec:
  connector: postgres
  config: {host: 127.0.0.1, port: "{port}", database: warehouse, user: postgres, tls: disable}
  schema: public
  timezone: Asia/Kolkata
---
apiVersion: penstock.dev/v1
kind: Destination
metadata: {name: tables}
spec:
  connector: postgres
  config: {host: 127.0.0.1, port: "{port}", database: warehouse, user: postgres, tls: disable}
---
apiVersion: penstock.dev/v1
kind: Connector
metadata: {name: api}
spec:
  base_url: "{url}"
  objects: &objects
    plain: {operations: {upsert: {request: {path: /plain, body: {rows: {$each: record, $do: $record.fields}}}}}}
    texts: {operations: {upsert: {request: {path: /texts, body: {rows: {$each: record, $do: $record.fields}}}}}}
    odd: {operations: {upsert: {request: {path: /odd, body: {rows: {$each: record, $do: $record.fields}}}}}}
---
apiVersion: penstock.dev/v1
kind: Connector
metadata: {name: doubles}
spec:
  base_url: "{url}"
  values: {big_integers: string}
  objects: {big: {operations: {upsert: {request: {path: /big, body: {rows: {$each: record, $do: $record.fields}}}}}}}
---
apiVersion: penstock.dev/v1
kind: Destination
metadata: {name: api}
spec: {connector: api}
---
apiVersion: penstock.dev/v1
kind: Destination
metadata: {name: doubles}
spec: {connector: doubles}
)";

// The elements of nested lists, in their order.
constexpr const char* kLeavesSql = R"(
  CREATE FUNCTION leaves(list json) RETURNS SETOF text LANGUAGE plpgsql AS $$
  DECLARE element json;
  BEGIN
    IF json_typeof(list) <> 'array' THEN
      RETURN NEXT list #>> '{}';
      RETURN;
    END IF;
    FOR element IN SELECT * FROM json_array_elements(list) LOOP
      RETURN QUERY SELECT * FROM leaves(element);
    END LOOP;
  END $$)";

std::string Replace(std::string text, std::string_view what, std::string_view by) {
  for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

struct ColumnSpec {
  std::string name;
  RandomType type;
  bool array = false;
  std::string Sql() const { return std::string(type.sql) + (array ? "[]" : ""); }
};

std::vector<ColumnSpec> ColumnsOf(const std::vector<RandomType>& types) {
  std::vector<ColumnSpec> out;
  for (const RandomType& type : types) {
    out.push_back({std::string(type.column), type, false});
    if (type.array) out.push_back({std::string(type.column) + "_a", type, true});
  }
  return out;
}

// The bodies that an API was sent, by path.
class Recorder {
 public:
  std::string url() const { return server_.url(); }
  std::vector<std::string> Take(const std::string& path) {
    std::lock_guard lock(mutex_);
    return std::exchange(bodies_[path], {});
  }

 private:
  test::TestAnswer Keep(const test::SeenRequest& request) {
    std::lock_guard lock(mutex_);
    bodies_[request.target].push_back(request.body);
    return test::Respond(200, "");
  }

  std::mutex mutex_;
  std::map<std::string, std::vector<std::string>> bodies_;
  test::TestServer server_{[this](const test::SeenRequest& request) { return Keep(request); }};
};

class ValuesTest : public ::testing::Test {
 protected:
  ValuesTest() {
    const char* given = std::getenv("PENSTOCK_SEED");
    const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : kDefaultSeed;
    fmt::print("PENSTOCK_SEED={}\n", seed);
    draw_ = Draw(seed);
    auto connection = PgConnection::Connect(cluster_.postgres().Dsn("warehouse"));
    EXPECT_TRUE(connection.ok()) << connection.status();
    sql_ = std::move(*connection);
    Do(std::string(kTypesSql));
    Do(kLeavesSql);
    // As the extractor reads what has no form of its own but its text.
    Do("SET timezone = 'UTC'; SET datestyle = 'ISO'");
    yaml_ = Replace(
        Replace(std::string(kConnections), "{port}", std::to_string(cluster_.postgres().port())),
        "{url}", recorder_.url());
  }

  void Do(const std::string& sql) {
    const absl::Status done = sql_->ExecScript(sql);
    ASSERT_TRUE(done.ok()) << done << "\n" << sql.substr(0, 2000);
  }
  std::string Ask(const std::string& sql) {
    const auto found = sql_->Exec(sql, {});
    EXPECT_TRUE(found.ok()) << found.status() << "\n" << sql.substr(0, 2000);
    return found.ok() && !found->empty() && !found->IsNull(0, 0) ? std::string(found->Text(0, 0))
                                                                 : std::string();
  }

  void CreateTable(const std::string& name, const std::vector<ColumnSpec>& columns) {
    std::string sql = "CREATE TABLE " + name + " (id int PRIMARY KEY";
    for (const ColumnSpec& column : columns) sql += ", " + column.name + " " + column.Sql();
    Do(sql + ")");
  }

  // A Model of the table and Syncs of it: each {object, destination, cast}.
  void Declare(const std::string& table, const std::vector<ColumnSpec>& columns,
               const std::vector<std::array<std::string, 3>>& syncs) {
    yaml_ += fmt::format(
        "---\napiVersion: penstock.dev/v1\nkind: Model\nmetadata: {{name: {0}}}\n"
        "spec: {{source: warehouse, table: {0}, primary_key: [id]}}\n",
        table);
    for (const auto& [object, destination, cast] : syncs) {
      yaml_ += fmt::format(
          "---\napiVersion: penstock.dev/v1\nkind: Sync\nmetadata: {{name: {1}-{0}}}\n"
          "spec:\n  model: {2}\n  destination: {1}\n  object: {0}\n  identity: [id]\n  mapping:\n"
          "    id: id\n",
          object, destination, table);
      for (const ColumnSpec& column : columns) {
        yaml_ += cast.empty()
                     ? fmt::format("    {0}: {0}\n", column.name)
                     : fmt::format("    {0}: {{from: {0}, cast: {1}}}\n", column.name, cast);
      }
    }
  }

  void Apply() {
    DeclaredResources declared;
    ReadResources("values.yaml", yaml_, declared);
    for (const ResourceError& error : declared.errors) FAIL() << error.ToString();
    v1::ApplyResourcesRequest request;
    for (const Resource& resource : declared.resources)
      *request.add_resources() = ToProto(resource);
    const grpc::Status applied = api_.Apply(request);
    ASSERT_TRUE(applied.ok()) << applied.error_message() << applied.error_details();
  }

  void Fill(const std::string& table, const std::vector<ColumnSpec>& columns) {
    std::string sql = "TRUNCATE " + table + "; INSERT INTO " + table + " VALUES ";
    for (int row = 0; row < kRows; ++row) {
      sql += fmt::format("{}({}", row == 0 ? "" : ", ", row);
      for (const ColumnSpec& column : columns) {
        const bool null = draw_.OneIn(10);
        sql += ", ";
        sql += null           ? "NULL"
               : column.array ? Literal(DrawArray(draw_, column.type))
                              : Literal(column.type.draw(draw_));
      }
      sql += ")";
    }
    Do(sql);
  }

  v1::Run Run(const std::string& sync) {
    v1::TriggerRunRequest request;
    request.set_sync(sync);
    v1::Run run = api_.Trigger(request);
    EXPECT_TRUE(testing::WaitFor([&] {
      run = api_.Get(run.id());
      return scenario::IsTerminal(run.state());
    })) << scenario::Tell(run);
    return run;
  }

  // All rows were sent; the first that was not, is told.
  void ExpectAllSent(const std::string& sync) {
    const v1::Run run = Run(sync);
    std::string why;
    for (const v1::RejectedRecord& record : api_.Rejected(run.id())) why = record.DebugString();
    EXPECT_EQ(run.state(), v1::RUN_STATE_SUCCEEDED) << scenario::Tell(run) << why;
    EXPECT_EQ(run.rows().invalid(), 0) << why;
  }

  // Makes the table `received` of the records that came to `path`.
  void Receive(const std::string& path) {
    Do("DROP TABLE IF EXISTS received; CREATE TABLE received (id int PRIMARY KEY, r json)");
    for (const std::string& body : recorder_.Take(path)) {
      const auto inserted = sql_->Exec(
          "INSERT INTO received SELECT (r->>'id')::int, r "
          "FROM json_array_elements(($1::text::json)->'rows') r",
          {body});
      ASSERT_TRUE(inserted.ok()) << inserted.status() << body.substr(0, 2000);
    }
    ASSERT_EQ(Ask("SELECT count(*)::text FROM received"), std::to_string(kRows));
  }

  // The columns that differ, each with an example; "" when none does. `same`: SQL over s (a row of
  // the table) and r (what was received of it).
  std::string Differences(const std::string& table, const std::vector<ColumnSpec>& columns,
                          const std::function<std::string(const ColumnSpec&)>& same) {
    std::string out;
    for (const ColumnSpec& column : columns) {
      out += Ask(fmt::format(
          "SELECT '{0} ({1}): ' || left(coalesce(s.{0}::text, 'NULL'), 300) || ' is sent as ' || "
          "left(r->>'{0}', 300) || E'\\n' FROM {2} s LEFT JOIN received USING (id) "
          "WHERE ({3}) IS NOT TRUE LIMIT 1",
          column.name, Replace(column.Sql(), "'", "''"), table, same(column)));
    }
    return out;
  }

  Cluster cluster_{
      {{"loader", {{"attempt_timeout", "10s"}}}}, {"state", "extractor", "loader", "planner"}, {}};
  scenario::Api api_{cluster_.planner_address()};
  Recorder recorder_;
  Draw draw_{0};
  std::unique_ptr<PgConnection> sql_;
  std::string yaml_;
};

// What was sent of a column is its value.
std::string SameInJson(const ColumnSpec& column) {
  const auto own_text = [&](const std::string& text) {
    return Replace(std::string(column.type.received), "{}", text);
  };
  if (column.type.sql == "json") {
    // A string may be escaped in another way.
    return fmt::format(
        "json_typeof(r->'{0}') = coalesce(json_typeof(s.{0}), 'null') AND "
        "btrim(r->>'{0}', E' \\n\\t') IS NOT DISTINCT FROM btrim(s.{0} #>> '{{}}', E' \\n\\t')",
        column.name);
  }
  if (column.type.sql == "jsonb") {
    return fmt::format("(r->'{0}')::jsonb = coalesce(s.{0}, 'null')", column.name);
  }
  if (!column.array) {
    return fmt::format("{1} IS NOT DISTINCT FROM s.{0}::text", column.name,
                       own_text(fmt::format("(r->>'{}')", column.name)));
  }
  return fmt::format(
      "CASE WHEN s.{0} IS NULL THEN r->>'{0}' IS NULL ELSE "
      "ARRAY(SELECT {1} FROM leaves(r->'{0}') WITH ORDINALITY AS t(leaf, o) ORDER BY o) = "
      "ARRAY(SELECT x FROM unnest(s.{0}::text[]) WITH ORDINALITY AS u(x, o) ORDER BY o) "
      "AND json_array_length(r->'{0}') = coalesce(array_length(s.{0}, 1), 0) "
      "AND (coalesce(array_ndims(s.{0}), 1) = 1 OR "
      "json_array_length(r->'{0}'->0) = array_length(s.{0}, 2)) END",
      column.name, own_text("leaf"));
}

TEST_F(ValuesTest, ArriveUnchangedAtAnApiAndInATable) {
  const std::vector<ColumnSpec> columns = ColumnsOf(Types());
  CreateTable("plain", columns);
  CreateTable("arrived", columns);
  Declare("plain", columns, {{"plain", "api", ""}, {"arrived", "tables", ""}});
  Apply();
  for (int round = 0; round < kRounds && !HasFailure(); ++round) {
    Fill("plain", columns);
    ExpectAllSent("api-plain");
    Receive("/plain");
    EXPECT_EQ(Differences("plain", columns, SameInJson), "");
    ExpectAllSent("tables-arrived");
    EXPECT_EQ(Ask("SELECT count(*)::text FROM plain s JOIN arrived a ON s::text = a::text"),
              std::to_string(kRows));
  }
}

TEST_F(ValuesTest, AreTextsWhereTheSyncOrTheConnectorWantsThem) {
  std::vector<ColumnSpec> columns = ColumnsOf(Types());
  std::erase_if(columns, [](const ColumnSpec& column) {
    return column.array || column.type.sql.starts_with("json");
  });
  CreateTable("plain", columns);
  Declare("plain", columns, {{"texts", "api", "string"}, {"big", "doubles", ""}});
  Apply();
  Fill("plain", columns);
  ExpectAllSent("api-texts");
  Receive("/texts");
  EXPECT_EQ(
      Differences("plain", columns,
                  [](const ColumnSpec& column) {
                    return fmt::format(
                        "json_typeof(r->'{0}') = CASE WHEN s.{0}::text IS NULL THEN 'null' ELSE "
                        "'string' END AND {1}",
                        column.name, SameInJson(column));
                  }),
      "");
  ExpectAllSent("doubles-big");
  Receive("/big");
  EXPECT_EQ(Differences("plain", columns, SameInJson), "");
  std::erase_if(columns, [](const ColumnSpec& column) {
    return column.type.sql != "int8" && column.type.sql != "numeric";
  });
  EXPECT_EQ(
      Differences("plain", columns,
                  [](const ColumnSpec& column) {
                    return fmt::format(
                        "s.{0} IS NULL OR scale(s.{0}::numeric) > 0 OR (json_typeof(r->'{0}') "
                        "= 'string') = (abs(s.{0}::numeric) > 9007199254740992)",
                        column.name);
                  }),
      "");
}

// JSON has no form for them; a table has.
TEST_F(ValuesTest, ThatJsonCanNotHoldAreInvalidThereAndArriveInATable) {
  const std::vector<ColumnSpec> columns = ColumnsOf(TypesWithoutJson());
  CreateTable("odd", columns);
  CreateTable("arrived", columns);
  Declare("odd", columns, {{"odd", "api", ""}, {"arrived", "tables", ""}});
  Apply();
  Fill("odd", columns);
  // One value of each row is enough.
  Do("UPDATE odd SET f4 = 'NaN' WHERE num_nonnulls(f4, f8, n, d, ts, tsz) = 0");
  EXPECT_EQ(Run("api-odd").rows().invalid(), kRows);
  EXPECT_TRUE(recorder_.Take("/odd").empty());
  ExpectAllSent("tables-arrived");
  EXPECT_EQ(Ask("SELECT count(*)::text FROM odd s JOIN arrived a ON s::text = a::text"),
            std::to_string(kRows));
}

}  // namespace
}  // namespace penstock
