#include "services/extractor/sources/postgres/model_query.h"

#include <gmock/gmock.h>

#include "services/common/core/status.h"
#include "services/extractor/sources/postgres/connection_settings.h"

namespace penstock {
namespace {

using ::testing::HasSubstr;

Model Sql(const std::string& sql) {
  Model model;
  model.meta.name = "m";
  model.sql = sql;
  return model;
}

Model Table(const std::string& table) {
  Model model;
  model.meta.name = "m";
  model.table = table;
  return model;
}

std::string UserSql(const std::string& sql) {
  auto query = DescribeQuery(Sql(sql), "");
  return query.ok() ? std::string(query->user_sql) : std::string(query.status().message());
}

TEST(ModelQuery, LeavesOutSemicolonsAndCommentsAroundTheStatement) {
  EXPECT_EQ(UserSql("SELECT 1"), "SELECT 1");
  EXPECT_EQ(UserSql(" -- head\nSELECT 1; -- tail; \n ; /* /* nested; */ */ "), "SELECT 1");
  EXPECT_EQ(UserSql("SELECT ';' AS \"a;b\", $$;$$, $x$ ; $$ ; $x$, E'\\';' ;"),
            "SELECT ';' AS \"a;b\", $$;$$, $x$ ; $$ ; $x$, E'\\';'");
  EXPECT_EQ(UserSql("SELECT 1 -- a; comment\n + 1"), "SELECT 1 -- a; comment\n + 1");
}

TEST(ModelQuery, RefusesMoreThanOneStatementAndNone) {
  EXPECT_THAT(UserSql("SELECT 1; DROP TABLE x"), HasSubstr("more than one statement"));
  EXPECT_THAT(UserSql(" ; -- nothing"), HasSubstr("empty"));
}

TEST(ModelQuery, SurvivesUnfinishedSql) {
  for (const char* sql :
       {"SELECT 'a", "SELECT \"a", "SELECT $$a", "SELECT $a", "/* a", "E'\\", "$"})
    EXPECT_FALSE(UserSql(sql).empty()) << sql;
}

TEST(ModelQuery, QualifiesAndQuotesTables) {
  EXPECT_EQ(*QualifiedTable(Table("orders"), ""), "\"orders\"");
  EXPECT_EQ(*QualifiedTable(Table("orders"), "marts"), "\"marts\".\"orders\"");
  EXPECT_EQ(*QualifiedTable(Table("raw.orders"), "marts"), "\"raw\".\"orders\"");
  EXPECT_EQ(*QualifiedTable(Table("\"my.schema\".\"a\"\"b\""), ""), "\"my.schema\".\"a\"\"b\"");
  EXPECT_EQ(*QualifiedTable(Table("x\"; DROP TABLE y; --\""), ""), "\"x; DROP TABLE y; --\"");
  for (const char* bad : {"", "a.", "\"a", "a.b.c.d"})
    EXPECT_EQ(CodeOf(QualifiedTable(Table(bad), "").status()), ErrorCode::kINVALID_RESOURCE) << bad;
}

TEST(ModelQuery, PutsAServersPositionIntoTheUsersSql) {
  auto query = ReadQuery(Sql("SELECT é,\n  foo"), "", {}, {});
  ASSERT_TRUE(query.ok());
  size_t foo = 0;  // characters before "foo"
  for (char c : query->sql.substr(0, query->sql.find("foo"))) foo += (c & 0xC0) != 0x80;
  EXPECT_EQ(query->Place(foo + 1), "line 2, column 3 of the model's SQL");
  EXPECT_EQ(query->Place(1), "");
  EXPECT_EQ(query->Place(10'000), "");
}

TEST(ModelQuery, AKeyIsQuotedAndAsksForItsRowAlone) {
  const SelectColumn column{"a", "int8"};
  const auto query = ReadQuery(Table("t"), "", std::span(&column, 1),
                               {{"a", "x'; DROP TABLE y; --"}, {"b\"c", "\\"}});
  ASSERT_TRUE(query.ok());
  EXPECT_THAT(query->sql, HasSubstr("WHERE \"model\".\"a\" = 'x''; DROP TABLE y; --' AND "
                                    "\"model\".\"b\"\"c\" = '\\') TO STDOUT"));
  const auto nul = ReadQuery(Table("t"), "", std::span(&column, 1), {{"a", std::string("x\0", 2)}});
  EXPECT_EQ(CodeOf(nul.status()), ErrorCode::kINVALID_REQUEST);
}

Source WithConfig(const Config& config) {
  Source source;
  source.meta.name = "wh";
  source.config = config;
  return source;
}

TEST(PostgresSettings, NameWhatIsWrong) {
  Config good = {{"host", "h"}, {"database", "d"}, {"user", "u"}};
  EXPECT_TRUE(ReadPostgresSettings(WithConfig(good)).ok());
  auto refused = [&](const std::string& field, const std::string& value) {
    Config config = good;
    config[field] = value;
    return std::string(ReadPostgresSettings(WithConfig(config)).status().message());
  };
  EXPECT_EQ(refused("pasword", "x"),
            "source \"wh\": config.pasword: unknown field (did you mean \"password\"?)");
  EXPECT_THAT(refused("port", "70000"), HasSubstr("config.port: must be a whole number from 1"));
  EXPECT_THAT(refused("tls", "verify"), HasSubstr("config.tls: \"verify\" is not one of"));
  EXPECT_THAT(refused("host", ""), HasSubstr("config.host: is missing"));
}

}  // namespace
}  // namespace penstock
