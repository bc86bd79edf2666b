#include "services/extractor/sources/postgres/postgres_source.h"

#include <gmock/gmock.h>

#include <thread>

#include "services/common/core/status.h"
#include "services/common/testing/free_port.h"
#include "services/common/testing/postgres_server.h"
#include "services/common/testing/tcp_gate.h"
#include "services/common/testing/wait_for.h"
#include "services/extractor/domain/mapping/mapper.h"

namespace penstock {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::PostgresServer;

PostgresServer& Server() {
  static PostgresServer server;
  return server;
}

Source SourceAt(uint16_t port, const std::string& user = "postgres",
                const std::string& database = "postgres") {
  Source source;
  source.meta.name = "wh";
  source.config = {{"host", "127.0.0.1"},
                   {"port", std::to_string(port)},
                   {"database", database},
                   {"user", user},
                   {"tls", "disable"}};
  return source;
}

std::unique_ptr<PostgresSource> Open(const Source& source) {
  auto made = PostgresSource::Make(source);
  EXPECT_TRUE(made.ok()) << made.status();
  return *std::move(made);
}

Model Table(const std::string& table) {
  Model model;
  model.meta.name = "m";
  model.table = table;
  return model;
}

Model Sql(const std::string& sql) {
  Model model;
  model.meta.name = "m";
  model.sql = sql;
  return model;
}

std::vector<SelectColumn> AsText(std::initializer_list<const char*> names) {
  std::vector<SelectColumn> columns;
  for (const char* name : names) columns.push_back({name, "text"});
  return columns;
}

absl::StatusOr<std::vector<std::string>> FirstFields(PostgresSource& source, const Model& model,
                                                     const std::vector<SelectColumn>& columns) {
  std::vector<std::string> out;
  absl::Status status = source.Read(model, columns, {}, [&](std::span<const RawRow> rows) {
    for (const RawRow& row : rows) out.emplace_back(row.fields[0].bytes());
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return out;
}

// Describes the model, maps each column to the field of its name, and renders the rows.
std::vector<std::map<std::string, std::string>> Rendered(const Source& config, const Model& model) {
  auto source = Open(config);
  auto description = source->Describe(model);
  EXPECT_TRUE(description.ok()) << description.status();
  if (!description.ok()) return {};
  Sync sync;
  for (const Column& column : description->columns) {
    FieldMapping& field = sync.mapping.emplace_back();
    field.path = {column.name};
    field.from = FieldMapping::Column{column.name, {}};
  }
  sync.identity = {description->columns[0].name};
  CompileResult compiled = Compile({sync, model, *description, config.timezone});
  EXPECT_TRUE(compiled.program.has_value());
  Mapper mapper(*compiled.program, 1);
  std::vector<std::map<std::string, std::string>> rows;
  absl::Status status =
      source->Read(model, compiled.program->select, {}, [&](std::span<const RawRow> block) {
        for (const RawRow& row : block) {
          auto& out = rows.emplace_back();
          RenderedRecord record;
          ValueError error;
          if (mapper.Render(row, record, error) != Mapper::Rendering::kDone) {
            out["error"] = std::string(Name(error.code)) + " " + error.reason;
            continue;
          }
          for (size_t i = 0; i < record.size(); ++i)
            out[compiled.program->fields[i].name] = record.slice(i).value_or("-");
        }
        return absl::OkStatus();
      });
  EXPECT_TRUE(status.ok()) << status;
  return rows;
}

TEST(PostgresSource, ReadsEveryTypeAsItsUsersExpect) {
  Server().Sql("CREATE TYPE mood AS ENUM ('ok', 'sad')");
  Server().Sql("CREATE DOMAIN positive AS int4 CHECK (VALUE > 0)");
  Server().Sql("CREATE DOMAIN label AS varchar(20)");
  Server().Sql("CREATE TYPE pair AS (a int, b text)");
  Server().Sql(R"(
    CREATE TABLE every_type AS SELECT
      1::int2 AS i2, 2::int4 AS i4, (-9223372036854775807)::int8 AS i8, 4294967295::oid AS o,
      12345678901234567890.1230::numeric(30,4) AS num, 0.1::float4 AS f4, 1e-7::float8 AS f8,
      true AS b, 'a"é'::text AS t, 'v'::varchar(3) AS vc, 'c '::bpchar(4) AS bp, 'n'::name AS nm,
      'x'::"char" AS ch, '00000000-0000-0000-0000-0000000000ff'::uuid AS u,
      '2026-03-29'::date AS d, '2026-07-01 12:00'::timestamp AS ts,
      '2026-03-29 12:15:00.5+02'::timestamptz AS tz, '10:00:01.5'::time AS ti,
      '1 year 2 days 03:04:05'::interval AS iv, '{"a" : 1.10}'::json AS j,
      '{"b": [1, null], "a": 1.10}'::jsonb AS jb, '\x00ff'::bytea AS by, 'sad'::mood AS en,
      5::positive AS dom, 'l'::label AS lab, (1, 'x')::pair AS comp, '10.0.0.1'::inet AS ip,
      int4range(1, 5) AS rng, ARRAY[1, NULL, 3]::int4[] AS ia, ARRAY[['a','b'],['c','d']] AS ta,
      ARRAY['ok']::mood[] AS ea, ARRAY[1, 2]::positive[] AS da, '{}'::float8[] AS fa,
      ARRAY['2026-01-01'::date] AS dta, '<a/>'::xml AS x, '101'::bit(3) AS bits,
      NULL::text AS nothing)");
  Source config = SourceAt(Server().port());
  config.timezone = "Europe/Berlin";
  auto rows = Rendered(config, Table("every_type"));
  ASSERT_EQ(rows.size(), 1u);
  std::map<std::string, std::string> expected = {{"i2", "1"},
                                                 {"i4", "2"},
                                                 {"i8", "-9223372036854775807"},
                                                 {"o", "4294967295"},
                                                 {"num", "12345678901234567890.1230"},
                                                 {"f4", "0.1"},
                                                 {"f8", "1e-07"},
                                                 {"b", "true"},
                                                 {"t", "\"a\\\"é\""},
                                                 {"vc", "\"v\""},
                                                 {"bp", "\"c\""},
                                                 {"nm", "\"n\""},
                                                 {"ch", "\"x\""},
                                                 {"u", "\"00000000-0000-0000-0000-0000000000ff\""},
                                                 {"d", "\"2026-03-29\""},
                                                 {"ts", "\"2026-07-01T10:00:00Z\""},
                                                 {"tz", "\"2026-03-29T10:15:00.500000Z\""},
                                                 {"ti", "\"10:00:01.5\""},
                                                 {"iv", "\"P1Y2DT3H4M5S\""},
                                                 {"j", "{\"a\" : 1.10}"},
                                                 {"jb", "{\"a\": 1.10, \"b\": [1, null]}"},
                                                 {"by", "\"AP8=\""},
                                                 {"en", "\"sad\""},
                                                 {"dom", "5"},
                                                 {"lab", "\"l\""},
                                                 {"comp", "\"(1,x)\""},
                                                 {"ip", "\"10.0.0.1/32\""},
                                                 {"rng", "\"[1,5)\""},
                                                 {"ia", "[1,null,3]"},
                                                 {"ta", "[[\"a\",\"b\"],[\"c\",\"d\"]]"},
                                                 {"ea", "[\"ok\"]"},
                                                 {"da", "[1,2]"},
                                                 {"fa", "[]"},
                                                 {"dta", "[\"2026-01-01\"]"},
                                                 {"x", "\"<a/>\""},
                                                 {"bits", "\"101\""},
                                                 {"nothing", "null"}};
  EXPECT_EQ(rows[0], expected);
}

TEST(PostgresSource, ValuesThatJsonHasNoFormForMakeTheRowInvalid) {
  auto rows = Rendered(SourceAt(Server().port()), Sql(R"(
    SELECT 'NaN'::numeric AS v UNION ALL SELECT 'Infinity'::numeric)"));
  ASSERT_EQ(rows.size(), 2u);
  for (const auto& row : rows)
    EXPECT_THAT(row.at("error"), HasSubstr("VALUE_NOT_REPRESENTABLE field \"v\""));
  rows = Rendered(SourceAt(Server().port()), Sql("SELECT 'infinity'::timestamptz AS v"));
  EXPECT_THAT(rows[0].at("error"), HasSubstr("infinite timestamp"));
}

TEST(PostgresSource, TextThatIsNotUtf8MakesTheRowInvalid) {
  Server().Sql(
      "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' "
      "TEMPLATE template0");
  auto rows = Rendered(SourceAt(Server().port(), "postgres", "ascii"),
                       Sql("SELECT 'ok' AS v UNION ALL SELECT chr(255)"));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].at("v"), "\"ok\"");
  EXPECT_THAT(rows[1].at("error"), HasSubstr("VALUE_NOT_REPRESENTABLE"));
}

TEST(PostgresSource, ReadsACellOfTenMegabytes) {
  auto rows = Rendered(SourceAt(Server().port()),
                       Sql("SELECT 1 AS id, repeat('x', 10 * 1024 * 1024) AS v"));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].at("v").size(), 10u * 1024 * 1024 + 2);
}

TEST(PostgresSource, ReadsManyRowsInOrder) {
  auto source = Open(SourceAt(Server().port()));
  auto rows =
      FirstFields(*source, Sql("SELECT g FROM generate_series(1, 20000) g; -- all"), AsText({"g"}));
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), 20000u);
  EXPECT_EQ(rows->front(), "1");
  EXPECT_EQ(rows->back(), "20000");
}

TEST(PostgresSource, ReadsAnEmptyModel) {
  auto source = Open(SourceAt(Server().port()));
  auto rows = FirstFields(*source, Sql("SELECT 1 AS a WHERE false"), AsText({"a"}));
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_TRUE(rows->empty());
}

TEST(PostgresSource, KnowsWhatIsUniqueAndNotNull) {
  Server().Sql("CREATE SCHEMA marts");
  Server().Sql(
      "CREATE TABLE marts.\"Mixed Case\" (id int PRIMARY KEY, a text NOT NULL, b text, "
      "c text NOT NULL, UNIQUE (a, c), UNIQUE (b))");
  Server().Sql("CREATE UNIQUE INDEX ON marts.\"Mixed Case\" (c) WHERE id > 0");
  Server().Sql("CREATE UNIQUE INDEX ON marts.\"Mixed Case\" (c) INCLUDE (b)");
  Source config = SourceAt(Server().port());
  config.schema = "marts";
  auto description = Open(config)->Describe(Table("Mixed Case"));
  ASSERT_TRUE(description.ok()) << description.status();
  EXPECT_THAT(description->unique, ::testing::UnorderedElementsAre(
                                       ElementsAre("id"), ElementsAre("a", "c"), ElementsAre("c")));
  auto by_sql = Open(config)->Describe(Sql("SELECT * FROM \"Mixed Case\""));
  ASSERT_TRUE(by_sql.ok()) << "the Source's schema holds for SQL too: " << by_sql.status();
  EXPECT_TRUE(by_sql->unique.empty());
}

TEST(PostgresSource, ReadOnlyCredentialsAreEnoughAndNothingIsWritten) {
  Server().Sql("CREATE TABLE readable (id int)");
  Server().Sql("INSERT INTO readable VALUES (1)");
  Server().Sql("CREATE ROLE reader LOGIN");
  Server().Sql("GRANT SELECT ON readable TO reader");
  auto reader = Open(SourceAt(Server().port(), "reader"));
  EXPECT_TRUE(FirstFields(*reader, Table("readable"), AsText({"id"})).ok());
  Server().Sql("CREATE TABLE hidden (id int)");
  absl::Status denied = FirstFields(*reader, Table("hidden"), AsText({"id"})).status();
  EXPECT_EQ(CodeOf(denied), ErrorCode::kSOURCE_QUERY_FAILED);
  EXPECT_THAT(std::string(denied.message()), HasSubstr("grant the warehouse's user"));
  auto owner = Open(SourceAt(Server().port()));
  Server().Sql("CREATE SEQUENCE counter");
  absl::Status written =
      FirstFields(*owner, Sql("SELECT nextval('counter') AS n"), AsText({"n"})).status();
  EXPECT_THAT(std::string(written.message()), HasSubstr("read-only transaction"));
}

TEST(PostgresSource, ErrorsNameThePlaceInTheUsersSql) {
  auto source = Open(SourceAt(Server().port()));
  auto described = source->Describe(Sql("SELECT 1 AS a,\n  nothing"));
  EXPECT_EQ(CodeOf(described.status()), ErrorCode::kSOURCE_QUERY_FAILED);
  EXPECT_THAT(std::string(described.status().message()),
              HasSubstr("column \"nothing\" does not exist (line 2, column 3 of the model's SQL)"));
  EXPECT_THAT(std::string(source->Describe(Table("no_such_table")).status().message()),
              HasSubstr("relation \"no_such_table\" does not exist"));
  EXPECT_THAT(std::string(source->Describe(Sql("SELECT 1 AS a, 2 AS a")).status().message()),
              HasSubstr("two columns \"a\""));
  absl::Status failed =
      FirstFields(*source, Sql("SELECT 1 / (g - 3) AS n FROM generate_series(1, 9) g"),
                  AsText({"n"}))
          .status();
  EXPECT_EQ(CodeOf(failed), ErrorCode::kSOURCE_QUERY_FAILED);
  EXPECT_THAT(std::string(failed.message()), HasSubstr("division by zero"));
}

TEST(PostgresSource, AColumnThatVanishedIsToldApart) {
  Server().Sql("CREATE TABLE shrinking (id int, email text)");
  auto source = Open(SourceAt(Server().port()));
  ASSERT_TRUE(FirstFields(*source, Table("shrinking"), AsText({"id", "email"})).ok());
  Server().Sql("ALTER TABLE shrinking DROP COLUMN email");
  absl::Status status = FirstFields(*source, Table("shrinking"), AsText({"id", "email"})).status();
  EXPECT_EQ(CodeOf(status), ErrorCode::kMODEL_COLUMN_MISSING);
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"email\""));
}

TEST(PostgresSource, SaysWhoMustActWhenItCantConnect) {
  EXPECT_TRUE(Open(SourceAt(Server().port()))->Test().ok());
  EXPECT_EQ(CodeOf(Open(SourceAt(testing::FreePort()))->Test()), ErrorCode::kSOURCE_UNREACHABLE);
  EXPECT_EQ(CodeOf(Open(SourceAt(Server().port(), "nobody_here"))->Test()),
            ErrorCode::kSOURCE_AUTHENTICATION_FAILED);
  EXPECT_EQ(CodeOf(Open(SourceAt(Server().port(), "postgres", "nowhere"))->Test()),
            ErrorCode::kINVALID_CONFIGURATION);
  Source tls = SourceAt(Server().port());
  tls.config["tls"] = "require";
  EXPECT_EQ(CodeOf(Open(tls)->Test()), ErrorCode::kSOURCE_UNREACHABLE);
}

TEST(PostgresSource, AServerThatDoesNotAnswerIsGivenUp) {
  testing::TcpGate gate(Server().port());
  gate.Stall();
  Source config = SourceAt(gate.port());
  config.config["connect_timeout"] = "1";
  absl::Status status = Open(config)->Test();
  EXPECT_EQ(CodeOf(status), ErrorCode::kSOURCE_UNREACHABLE);
  EXPECT_THAT(std::string(status.message()), HasSubstr("did not answer within 1000 ms"));
}

constexpr const char* kEndless =
    "SELECT g, repeat('x', 1000) AS pad FROM (SELECT generate_series(1, 100000000) AS g) s";

TEST(PostgresSource, AWarehouseThatGoesAwayInMidReadIsConnectionLost) {
  testing::TcpGate gate(Server().port());
  auto source = Open(SourceAt(gate.port()));
  bool cut = false;
  absl::Status status =
      source->Read(Sql(kEndless), AsText({"g", "pad"}), {}, [&](std::span<const RawRow>) {
        if (!cut) gate.Cut();
        cut = true;
        return absl::OkStatus();
      });
  EXPECT_EQ(CodeOf(status), ErrorCode::kSOURCE_CONNECTION_LOST) << status;
}

TEST(PostgresSource, CancelEndsARead) {
  auto source = Open(SourceAt(Server().port()));
  std::atomic<bool> reading = false;
  std::thread canceller([&] {
    if (testing::WaitFor([&] { return reading.load(); })) source->Cancel();
  });
  absl::Status status =
      source->Read(Sql(kEndless), AsText({"g", "pad"}), {}, [&](std::span<const RawRow>) {
        reading = true;
        return absl::OkStatus();
      });
  canceller.join();
  EXPECT_EQ(CodeOf(status), ErrorCode::kSOURCE_QUERY_FAILED);
  EXPECT_THAT(std::string(status.message()), HasSubstr("cancelled"));
  EXPECT_TRUE(testing::WaitFor([&] {
    return Server().Sql(
               "SELECT count(*) FROM pg_stat_activity WHERE application_name = "
               "'penstock'") == "0";
  })) << "the warehouse's transaction has ended";
}

TEST(PostgresSource, AHandlersErrorEndsTheRead) {
  auto source = Open(SourceAt(Server().port()));
  int blocks = 0;
  absl::Status status =
      source->Read(Sql(kEndless), AsText({"g", "pad"}), {}, [&](std::span<const RawRow>) {
        return ++blocks == 3 ? Error(ErrorCode::kSPOOL_FULL, "no room") : absl::OkStatus();
      });
  EXPECT_EQ(CodeOf(status), ErrorCode::kSPOOL_FULL);
  EXPECT_EQ(blocks, 3);
}

TEST(PostgresSource, ASlowQueryEndsAtItsTimeout) {
  Source config = SourceAt(Server().port());
  config.config["statement_timeout"] = "1";
  absl::Status status =
      FirstFields(*Open(config), Sql("SELECT pg_sleep(60) AS s"), AsText({"s"})).status();
  EXPECT_EQ(CodeOf(status), ErrorCode::kSOURCE_QUERY_FAILED);
  EXPECT_THAT(std::string(status.message()), HasSubstr("config.statement_timeout"));
}

}  // namespace
}  // namespace penstock
