#include "services/loader/destinations/postgres/postgres_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <deque>
#include <numeric>
#include <utility>

#include "services/common/core/status.h"
#include "services/common/testing/postgres_server.h"
#include "services/loader/domain/batch_outcomes.h"
#include "tests/unit/loader/batch_fixture.h"

namespace penstock::loader {
namespace {

using namespace std::chrono_literals;
using test::Row;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr uint32_t kInt8 = 20, kText = 25;

class PostgresWriterTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = new testing::PostgresServer(); }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }
  void SetUp() override {
    Sql("DROP SCHEMA IF EXISTS crm CASCADE; CREATE SCHEMA crm");
    Sql("CREATE TABLE crm.people (id int8 PRIMARY KEY, name text, note varchar(5))");
    sessions_ = std::make_shared<PostgresSessions>(server_->Dsn(), 2);
  }
  static std::string Sql(const std::string& sql) { return server_->Sql(sql); }

  static std::string Int8(int64_t value) {
    std::string out;
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
    return out;
  }
  void Use(Operation operation, std::vector<std::pair<std::string, uint32_t>> fields,
           const std::string& table = "crm.people", std::vector<uint16_t> omittable = {}) {
    header_ = BatchHeader{};
    header_.operation = operation;
    header_.encoding = Encoding::kPgBinary;
    for (auto& [name, type] : fields) header_.fields.push_back({{name}, type});
    header_.identity_fields = {0};
    auto writer = PostgresWriter::Make(sessions_, {table, header_, std::move(omittable)});
    ASSERT_TRUE(writer.ok()) << writer.status();
    writer_ = std::move(*writer);
  }
  Answer Write(const std::vector<Row>& rows, std::vector<uint32_t> records = {},
               std::function<bool()> may_write = {}, Duration time = 10s) {
    const Batch batch = test::MakeBatch(header_, rows);
    if (records.empty()) {
      records.resize(rows.size());
      std::iota(records.begin(), records.end(), 0);
    }
    return Run(
        writer_->Write({&batch, records, {}, BootClock::now() + time, std::move(may_write)}));
  }
  template <typename T>
  T Run(boost::asio::awaitable<T> operation) {
    boost::asio::io_context context;
    auto future = boost::asio::co_spawn(context, std::move(operation), boost::asio::use_future);
    context.run();
    return future.get();
  }
  static std::vector<RecordFate> Fates(const Answer& answer) {
    EXPECT_EQ(answer.verdict, Verdict::kRecords) << answer.message;
    std::vector<RecordFate> fates;
    for (const auto& record : answer.records) fates.push_back(record.fate);
    return fates;
  }
  void UsePeople(Operation operation) {
    Use(operation, {{"id", kInt8}, {"name", kText}, {"note", kText}});
  }
  std::string People() {
    return Sql(
        "SELECT string_agg(concat_ws(':', id, name, note), ' ' ORDER BY id) FROM crm.people");
  }

  static testing::PostgresServer* server_;
  std::shared_ptr<PostgresSessions> sessions_;
  BatchHeader header_;
  std::unique_ptr<PostgresWriter> writer_;
};

testing::PostgresServer* PostgresWriterTest::server_ = nullptr;

TEST_F(PostgresWriterTest, UpsertInsertsAndUpdates) {
  Sql("INSERT INTO crm.people VALUES (1, 'old', 'x'), (9, 'other', 'y')");
  UsePeople(Operation::kUpsert);
  const Answer answer = Write({{Int8(1), "new", {}}, {Int8(2), "two", "b"}});
  EXPECT_THAT(Fates(answer), Each(RecordFate::kDelivered));
  EXPECT_EQ(People(), "1:new 2:two:b 9:other:y");
  EXPECT_THAT(Fates(Write({{Int8(2), "again", "c"}})), Each(RecordFate::kDelivered))
      << "the session is used again";
  EXPECT_EQ(People(), "1:new 2:again:c 9:other:y");
}

TEST_F(PostgresWriterTest, ValuesArriveBitForBit) {
  Sql("CREATE TYPE crm.mood AS ENUM ('ok', 'sad')");
  const std::string columns =
      "id int8, n numeric, f float8, t timestamptz, d date, j jsonb, u uuid, b bytea, "
      "a int4[], x text[], i interval, l bool, m crm.mood";
  Sql("CREATE TABLE crm.source (" + columns + ")");
  Sql("CREATE TABLE crm.target (" + columns + ", PRIMARY KEY (id))");
  Sql("INSERT INTO crm.source VALUES (1, 12345678901234567890.000100, 'NaN', "
      "'2026-03-29T10:15:00.123456Z', 'infinity', '{\"a\": [1, {\"b\": 1.50}]}', "
      "'0190a1b2-0000-7000-8000-0123456789ab', '\\x00ff0a', '{1,NULL,3}', '{\"a,b\",\"\\\"\"}', "
      "'1 mon 2 days 03:04:05.000006', true, 'sad'), "
      "(2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)");
  auto connection = PgConnection::Connect(server_->Dsn());
  ASSERT_TRUE(connection.ok());
  const auto rows = (*connection)->Exec("SELECT * FROM crm.source ORDER BY id", {});
  ASSERT_TRUE(rows.ok());
  const auto types =
      (*connection)
          ->Exec(
              "SELECT attname::text, atttypid::int8 FROM pg_attribute WHERE attrelid = "
              "'crm.source'::regclass AND attnum > 0 ORDER BY attnum",
              {});
  ASSERT_TRUE(types.ok());
  std::vector<std::pair<std::string, uint32_t>> fields;
  for (int i = 0; i < types->rows(); ++i) {
    fields.emplace_back(types->Text(i, 0), static_cast<uint32_t>(types->Int(i, 1)));
  }
  std::vector<Row> slices(2);
  for (int row = 0; row < 2; ++row) {
    for (int i = 0; i < types->rows(); ++i) {
      slices[static_cast<size_t>(row)].push_back(
          rows->IsNull(row, i) ? std::nullopt : std::optional<std::string>(rows->Text(row, i)));
    }
  }
  Use(Operation::kUpsert, fields, "crm.target");
  EXPECT_THAT(Fates(Write(slices)), Each(RecordFate::kDelivered));
  EXPECT_EQ(Sql("SELECT count(*) FROM crm.source src JOIN crm.target dst ON src::text = dst::text"),
            "2");
}

TEST_F(PostgresWriterTest, UpdateSkipsWhatIsNotThere) {
  Sql("INSERT INTO crm.people VALUES (1, 'one', 'x')");
  UsePeople(Operation::kUpdate);
  const Answer answer = Write({{Int8(7), "seven", "a"}, {Int8(1), "uno", "b"}});
  EXPECT_THAT(Fates(answer), ElementsAre(RecordFate::kSkipped, RecordFate::kDelivered));
  EXPECT_EQ(answer.records[0].skip, SkipReason::kNotFound);
  EXPECT_EQ(People(), "1:uno:b");
}

TEST_F(PostgresWriterTest, InsertSkipsWhatExists) {
  Sql("INSERT INTO crm.people VALUES (1, 'one', 'x')");
  UsePeople(Operation::kInsert);
  const Answer answer = Write({{Int8(1), "uno", "a"}, {Int8(2), "dos", "b"}});
  EXPECT_THAT(Fates(answer), ElementsAre(RecordFate::kSkipped, RecordFate::kDelivered));
  EXPECT_EQ(answer.records[0].skip, SkipReason::kExists);
  EXPECT_EQ(People(), "1:one:x 2:dos:b");
}

TEST_F(PostgresWriterTest, AppendTakesAnEventOnce) {
  Sql("INSERT INTO crm.people VALUES (1, 'one', 'x')");
  UsePeople(Operation::kAppend);
  EXPECT_THAT(Fates(Write({{Int8(1), "uno", "a"}, {Int8(2), "dos", "b"}})),
              ElementsAre(RecordFate::kUnchanged, RecordFate::kDelivered));
  EXPECT_THAT(Fates(Write({{Int8(2), "dos", "b"}})), ElementsAre(RecordFate::kUnchanged));
  EXPECT_EQ(People(), "1:one:x 2:dos:b");
}

TEST_F(PostgresWriterTest, ALeftOutFieldKeepsItsColumnOrTakesItsDefault) {
  Sql("ALTER TABLE crm.people ALTER name SET NOT NULL, ALTER name SET DEFAULT 'nobody'");
  Sql("INSERT INTO crm.people VALUES (1, 'one', 'x'), (2, 'two', 'y'), (3, 'three', 'z')");
  const std::vector<std::pair<std::string, uint32_t>> fields = {
      {"id", kInt8}, {"name", kText}, {"note", kText}};
  const std::vector<Row> rows = {{Int8(1), {}, "a"}, {Int8(2), "dos", {}}, {Int8(3), {}, {}}};
  Use(Operation::kUpsert, fields, "crm.people", {1, 2});
  EXPECT_THAT(Fates(Write(rows)), Each(RecordFate::kDelivered));
  EXPECT_EQ(People(), "1:one:a 2:dos:y 3:three:z");
  EXPECT_THAT(Fates(Write({{Int8(4), {}, {}}, {Int8(5), {}, "e"}})), Each(RecordFate::kDelivered));
  EXPECT_EQ(People(), "1:one:a 2:dos:y 3:three:z 4:nobody 5:nobody:e");

  Use(Operation::kUpdate, fields, "crm.people", {1});
  EXPECT_THAT(Fates(Write({{Int8(1), {}, {}}, {Int8(9), {}, "q"}, {Int8(5), "five", "f"}})),
              ElementsAre(RecordFate::kDelivered, RecordFate::kSkipped, RecordFate::kDelivered))
      << "NULL of a field that is sent clears";
  EXPECT_EQ(People(), "1:one 2:dos:y 3:three:z 4:nobody 5:five:f");

  Use(Operation::kInsert, fields, "crm.people", {1, 2});
  EXPECT_THAT(Fates(Write({{Int8(1), "x", {}}, {Int8(6), {}, "s"}})),
              ElementsAre(RecordFate::kSkipped, RecordFate::kDelivered));
  EXPECT_EQ(Sql("SELECT name || note FROM crm.people WHERE id = 6"), "nobodys");
}

TEST_F(PostgresWriterTest, ShowsAStatementForEachSetOfFields) {
  Use(Operation::kUpsert, {{"id", kInt8}, {"name", kText}}, "crm.people", {1});
  const Batch batch = test::MakeBatch(header_, {{Int8(1), "a"}, {Int8(2), {}}, {Int8(3), {}}});
  const auto rendered = writer_->Render(batch, std::vector<uint32_t>{0, 1, 2});
  ASSERT_TRUE(rendered.ok());
  ASSERT_EQ(rendered->size(), 2u);
  EXPECT_THAT((*rendered)[0].body, HasSubstr("f1 IS NOT NULL"));
  EXPECT_THAT((*rendered)[1].body, HasSubstr("DO NOTHING"));
}

TEST_F(PostgresWriterTest, RemoveOfWhatIsGoneChangesNothing) {
  Sql("INSERT INTO crm.people VALUES (1, 'one', 'x'), (2, 'two', 'y')");
  Use(Operation::kRemove, {{"id", kInt8}});
  EXPECT_THAT(Fates(Write({{Int8(1)}, {Int8(5)}})),
              ElementsAre(RecordFate::kDelivered, RecordFate::kUnchanged));
  EXPECT_EQ(People(), "2:two:y");
}

TEST_F(PostgresWriterTest, CastsToTheColumnsTypeAndNeverCutsValues) {
  Sql("CREATE TABLE crm.narrow (id int4 PRIMARY KEY, note varchar(3))");
  Use(Operation::kUpsert, {{"id", kInt8}, {"note", kText}}, "crm.narrow");
  EXPECT_THAT(Fates(Write({{Int8(3), "abc"}})), Each(RecordFate::kDelivered));
  for (const Row& row : {Row{Int8(int64_t{1} << 40), "a"}, Row{Int8(4), "abcd"}}) {
    const Answer answer = Write({row});
    EXPECT_EQ(answer.verdict, Verdict::kRefused);
    EXPECT_TRUE(answer.answered);
    EXPECT_THAT(answer.alone.message, HasSubstr("SQLSTATE 22"));
  }
  EXPECT_EQ(Sql("SELECT count(*) FROM crm.narrow"), "1");
}

class PostgresHalving : public PostgresWriterTest,
                        public ::testing::WithParamInterface<std::pair<const char*, const char*>> {
};

// Why one record of 64 is refused, and what it holds.
INSTANTIATE_TEST_SUITE_P(
    ByOneRecord, PostgresHalving,
    ::testing::Values(
        std::pair("ALTER TABLE crm.people ADD CHECK (name <> 'bad')", "bad"),
        std::pair("CREATE INDEX ON crm.people (name)", "too long for an index"),
        std::pair("CREATE FUNCTION crm.refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF "
                  "NEW.name = 'bad' THEN RAISE EXCEPTION 'no' USING ERRCODE = '38001'; END IF; "
                  "RETURN NEW; END$$; CREATE TRIGGER refuse BEFORE INSERT ON crm.people FOR EACH "
                  "ROW EXECUTE FUNCTION crm.refuse()",
                  "bad")));

TEST_P(PostgresHalving, FindsTheRecordAtFault) {
  const auto [rule, name] = GetParam();
  Sql(rule);
  std::string bad = name;
  // Compression must not make it short.
  for (uint64_t i = 1; bad.starts_with("too") && bad.size() < 20000; i *= 6364136223846793005u)
    bad += std::to_string(i += 1442695040888963407u);
  UsePeople(Operation::kUpsert);
  std::vector<Row> rows;
  for (int i = 0; i < 64; ++i) rows.push_back({Int8(i), i == 41 ? bad : "good", "n"});
  BatchOutcomes outcomes(64, {});
  std::deque<Piece> queue;
  for (Piece& piece : outcomes.First()) queue.push_back(std::move(piece));
  while (!queue.empty()) {
    Piece piece = std::move(queue.front());
    queue.pop_front();
    const Answer answer = Write(rows, piece.records);
    for (Piece& next : outcomes.Apply(std::move(piece), answer, true)) queue.push_back(next);
  }
  EXPECT_EQ(outcomes.outcome(41), Outcome::kRejected);
  EXPECT_TRUE(outcomes.all_answered());
  EXPECT_EQ(Sql("SELECT count(*) FROM crm.people"), "63");
}

TEST_F(PostgresWriterTest, NothingIsAppliedWhenTheGrantEndsBeforeTheCommit) {
  UsePeople(Operation::kUpsert);
  const Answer answer =
      Write({{Int8(1), "a", "b"}}, {}, [asked = 0]() mutable { return asked++ == 0; });
  EXPECT_EQ(answer.verdict, Verdict::kNotAllowed);
  EXPECT_TRUE(answer.answered);
  EXPECT_EQ(Sql("SELECT count(*) FROM crm.people"), "0");
}

TEST_F(PostgresWriterTest, ACommitWithoutAnAnswerIsUnanswered) {
  Sql("CREATE FUNCTION crm.die() RETURNS trigger LANGUAGE plpgsql AS "
      "$$BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END$$");
  Sql("CREATE CONSTRAINT TRIGGER die AFTER INSERT ON crm.people DEFERRABLE INITIALLY DEFERRED "
      "FOR EACH ROW EXECUTE FUNCTION crm.die()");
  UsePeople(Operation::kUpsert);
  const Answer answer = Write({{Int8(1), "a", "b"}});
  EXPECT_EQ(answer.verdict, Verdict::kFailed);
  EXPECT_FALSE(answer.answered);
  Sql("DROP TRIGGER die ON crm.people");
  EXPECT_THAT(Fates(Write({{Int8(1), "a", "b"}})), Each(RecordFate::kDelivered))
      << "a new session is made";
}

TEST_F(PostgresWriterTest, ALockedTableTimesOutAndAppliesNothing) {
  auto blocker = PgConnection::Connect(server_->Dsn());
  ASSERT_TRUE(blocker.ok());
  ASSERT_TRUE((*blocker)->ExecScript("BEGIN; LOCK TABLE crm.people").ok());
  UsePeople(Operation::kUpsert);
  const BootTime start = BootClock::now();
  const Answer answer = Write({{Int8(1), "a", "b"}}, {}, {}, 300ms);
  EXPECT_LT(BootClock::now() - start, 5s);
  EXPECT_EQ(answer.verdict, Verdict::kFailed);
  EXPECT_TRUE(answer.answered);
  ASSERT_TRUE((*blocker)->ExecScript("ROLLBACK").ok());
  EXPECT_EQ(Sql("SELECT count(*) FROM crm.people"), "0");
}

TEST_F(PostgresWriterTest, AClosedIdleSessionIsReplacedUnnoticed) {
  UsePeople(Operation::kUpsert);
  EXPECT_THAT(Fates(Write({{Int8(1), "a", "b"}})), Each(RecordFate::kDelivered));
  server_->Restart();
  EXPECT_THAT(Fates(Write({{Int8(2), "a", "b"}})), Each(RecordFate::kDelivered));
}

TEST_F(PostgresWriterTest, AServerThatIsAwayIsNotSentTo) {
  sessions_ = std::make_shared<PostgresSessions>("host=127.0.0.1 port=1 user=x dbname=x", 1);
  UsePeople(Operation::kUpsert);
  const Answer answer = Write({{Int8(1), "a", "b"}});
  EXPECT_EQ(answer.verdict, Verdict::kFailed);
  EXPECT_TRUE(answer.answered);
  EXPECT_EQ(answer.code, ErrorCode::kDESTINATION_UNREACHABLE);
}

TEST_F(PostgresWriterTest, ARefusedUserOrDatabaseIsForAPerson) {
  for (const char* wrong : {" user=nobody_knows", " dbname=nowhere"}) {
    sessions_ = std::make_shared<PostgresSessions>(server_->Dsn() + wrong, 1);
    UsePeople(Operation::kUpsert);
    const Answer answer = Write({{Int8(1), "a", "b"}});
    EXPECT_EQ(answer.verdict, Verdict::kUnauthenticated) << answer.message;
    EXPECT_TRUE(answer.answered);
    EXPECT_EQ(CodeOf(Run(writer_->Test(BootClock::now() + 10s))),
              ErrorCode::kDESTINATION_UNAUTHENTICATED);
  }
}

TEST_F(PostgresWriterTest, ANewSessionThatFindsNoPlaceWaits) {
  Sql("CREATE ROLE crowded LOGIN CONNECTION LIMIT 0");
  sessions_ = std::make_shared<PostgresSessions>(server_->Dsn() + " user=crowded", 1);
  UsePeople(Operation::kUpsert);
  const Answer answer = Write({{Int8(1), "a", "b"}});
  EXPECT_EQ(answer.verdict, Verdict::kFailed) << answer.message;
  EXPECT_TRUE(answer.answered);
  Sql("DROP ROLE crowded");
}

TEST_F(PostgresWriterTest, SaysWhatIsWrongWithTheTable) {
  const auto test = [&] { return Run(writer_->Test(BootClock::now() + 10s)); };
  UsePeople(Operation::kUpsert);
  EXPECT_TRUE(test().ok()) << test();
  Use(Operation::kUpsert, {{"id", kInt8}, {"zip", kText}});
  EXPECT_THAT(std::string(test().message()), HasSubstr("no column zip"));
  const Answer answer = Write({{Int8(1), "a"}});
  EXPECT_EQ(answer.records.at(0).fate, RecordFate::kRejected);
  Use(Operation::kUpsert, {{"id", kInt8}}, "crm.nowhere");
  EXPECT_THAT(std::string(test().message()), HasSubstr("crm.nowhere does not exist"));
  Use(Operation::kUpsert, {{"name", kText}});
  EXPECT_THAT(std::string(test().message()), HasSubstr("ADD UNIQUE (name)"));
  EXPECT_THAT(Fates(Write({{"a"}})), Each(RecordFate::kRejected));
  Use(Operation::kAppend, {{"name", kText}});
  EXPECT_THAT(std::string(test().message()), HasSubstr("ADD UNIQUE (name)"));
  Use(Operation::kUpdate, {{"name", kText}});
  EXPECT_TRUE(test().ok()) << "an update needs no constraint";
}

TEST_F(PostgresWriterTest, QuotesNames) {
  Sql("CREATE TABLE crm.\"Odd \"\"Name\" (\"select\" int8 PRIMARY KEY, \"a\"\"b\" text)");
  Use(Operation::kUpsert, {{"select", kInt8}, {"a\"b", kText}}, "crm.Odd \"Name");
  EXPECT_THAT(Fates(Write({{Int8(1), "x'); DROP TABLE crm.people; --"}})),
              Each(RecordFate::kDelivered));
  EXPECT_EQ(Sql("SELECT count(*) FROM crm.people"), "0");
}

TEST(PostgresConnectionString, QuotesAndRefuses) {
  const auto made = PostgresConnectionString({{"host", "h"},
                                              {"database", "d"},
                                              {"user", "u"},
                                              {"password", "a'b\\ c"},
                                              {"tls", "require"}});
  ASSERT_TRUE(made.ok());
  EXPECT_THAT(*made, HasSubstr(R"(password='a\'b\\ c')"));
  EXPECT_THAT(*made, HasSubstr("sslmode='require'"));
  EXPECT_FALSE(PostgresConnectionString({{"host", "h"}}).ok());
  EXPECT_FALSE(
      PostgresConnectionString({{"host", "h"}, {"database", "d"}, {"user", "u"}, {"hots", "x"}})
          .ok());
}

}  // namespace
}  // namespace penstock::loader
