#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <optional>

#include "fmt/format.h"
#include "services/common/model/record_rules.h"
#include "services/common/testing/postgres_server.h"
#include "services/loader/app/read_plan.h"
#include "services/loader/domain/batch_outcomes.h"
#include "tests/support/http/test_server.h"
#include "tests/unit/loader/batch_fixture.h"

// Each kind of destination settles each operation's records by the table of record_rules.h,
// whatever the destination says.
namespace penstock::loader {
namespace {

using namespace std::chrono_literals;
using penstock::test::Respond;
using penstock::test::SeenRequest;
using penstock::test::TestAnswer;
using penstock::test::TestServer;

constexpr const char* kReplyNames[] = {"Taken",    "Unchanged", "Exists",
                                       "NotFound", "Refused",   "None"};

// A destination that can be made to say something of the next record.
class Sayer {
 public:
  virtual ~Sayer() = default;
  // False: it has no way to say so to this operation.
  virtual bool WillSay(Operation operation, Reply reply) = 0;
  virtual ConnectionSettings Settings() const = 0;
  virtual Connector Describe(Operation operation) const = 0;
  virtual std::string Object() const { return "o"; }
  virtual Encoding encoding() const { return Encoding::kJson; }
  virtual uint32_t pg_type() const { return 0; }
  virtual std::string Id() const { return "\"1\""; }
};

// Says it of each record, in the body of its answer.
class SaysInResults : public Sayer {
 public:
  bool WillSay(Operation, Reply reply) override {
    switch (reply) {
      case Reply::kTaken:
        answer_ = Respond(200, R"({"results": [{"n": "0"}]})");
        return true;
      case Reply::kUnchanged:
        return false;
      case Reply::kExists:
        return Error("exists");
      case Reply::kNotFound:
        return Error("missing");
      case Reply::kRefused:
        return Error("bad");
      case Reply::kNone:
        answer_ = Respond(200, R"({"results": []})");
        return true;
    }
    return false;
  }
  ConnectionSettings Settings() const override { return {.base_url = server_.url()}; }
  Connector Describe(Operation operation) const override {
    OperationSpec spec;
    spec.request = {.method = "POST",
                    .path = "/",
                    .body = R"([{"$each": "record", "$do": {"n": "$record.index"}}])"};
    spec.confirms = Confirms::kRecord;
    spec.result = {.results = "/results",
                   .record = "/n",
                   .errors = "/errors",
                   .error_record = "/n",
                   .code = "/code",
                   .conflict_codes = {"exists"},
                   .not_found_codes = {"missing"}};
    return Connector{.objects = {{"o", ObjectSpec{.operations = {{operation, spec}}}}}};
  }

 protected:
  TestAnswer answer_;

 private:
  bool Error(std::string_view code) {
    answer_ = Respond(200, fmt::format(R"({{"errors": [{{"n": "0", "code": "{}"}}]}})", code));
    return true;
  }

  TestServer server_{[this](const SeenRequest&) { return answer_; }};
};

// Says it by the status of a request that carries one record.
class SaysByStatus : public SaysInResults {
 public:
  bool WillSay(Operation, Reply reply) override {
    constexpr int kStatuses[] = {204, 0, 409, 404, 422, 500};
    const int status = kStatuses[static_cast<size_t>(reply)];
    answer_ = Respond(status, "");
    return status != 0;
  }
  Connector Describe(Operation operation) const override {
    OperationSpec spec;
    spec.request = {.method = "POST", .path = "/$record.identity"};
    spec.batch.max_records = 1;
    return Connector{.objects = {{"o", ObjectSpec{.operations = {{operation, spec}}}}}};
  }
};

// A table of PostgreSQL.
class SaysAsTable : public Sayer {
 public:
  bool WillSay(Operation operation, Reply reply) override {
    const bool adds = operation == Operation::kInsert || operation == Operation::kAppend;
    const bool needs = operation == Operation::kUpdate || operation == Operation::kRemove;
    if (reply == Reply::kUnchanged || (reply == Reply::kExists && !adds) ||
        (reply == Reply::kNotFound && !needs)) {
      return false;
    }
    server_.Sql(R"(
      DROP SCHEMA IF EXISTS crm CASCADE;
      CREATE SCHEMA crm;
      CREATE TABLE crm.people (id text PRIMARY KEY, name text);
      CREATE FUNCTION crm.refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN RAISE EXCEPTION 'no'; END$$;
      CREATE FUNCTION crm.die() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END$$)");
    const bool there = reply == Reply::kExists || (needs && reply != Reply::kNotFound);
    if (there) server_.Sql("INSERT INTO crm.people VALUES ('1', 'theirs')");
    const std::string change = "INSERT OR UPDATE OR DELETE ON crm.people ";
    if (reply == Reply::kRefused)
      server_.Sql("CREATE TRIGGER t BEFORE " + change +
                  "FOR EACH ROW EXECUTE FUNCTION crm.refuse()");
    if (reply == Reply::kNone) {
      server_.Sql("CREATE CONSTRAINT TRIGGER t AFTER " + change +
                  "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION crm.die()");
    }
    return true;
  }
  ConnectionSettings Settings() const override {
    return {.native = "postgres",
            .config = {{"host", "127.0.0.1"},
                       {"port", std::to_string(server_.port())},
                       {"database", "postgres"},
                       {"user", "postgres"},
                       {"tls", "disable"}}};
  }
  Connector Describe(Operation) const override { return {.native = "postgres"}; }
  std::string Object() const override { return "crm.people"; }
  Encoding encoding() const override { return Encoding::kPgBinary; }
  uint32_t pg_type() const override { return 25; }  // text
  std::string Id() const override { return "1"; }

 private:
  testing::PostgresServer server_;
};

// What becomes of one record whose only attempt is answered so.
BatchOutcomes Deliver(const Sayer& sayer, Operation operation) {
  boost::asio::io_context context;
  OAuthTokens tokens;
  auto connection =
      MakeConnection(context.get_executor(), LoaderSettings{}, sayer.Settings(), tokens);
  EXPECT_TRUE(connection.ok()) << connection.status();
  BatchHeader header = test::MakeHeader({{"id"}, {"name"}}, {0}, operation);
  test::Row row = {sayer.Id(), sayer.Id()};
  if (operation == Operation::kRemove) {
    header.fields.pop_back();
    row.pop_back();
  }
  header.encoding = sayer.encoding();
  for (BatchField& field : header.fields) field.pg_type = sayer.pg_type();
  const Sync sync{.object = sayer.Object(), .identity = {"id"}};
  auto writer = MakeWriter(sync, sayer.Describe(operation), **connection, header);
  EXPECT_TRUE(writer.ok()) << writer.status();
  const Batch batch = test::MakeBatch(header, {row});
  BatchOutcomes outcomes(1, {.max_attempts = 1, .at_most_once = true});
  const std::vector<Piece> pieces = outcomes.First();
  WriteRequest request{&batch, pieces.front().records, {}, BootClock::now() + 10s, {}};
  auto answer =
      boost::asio::co_spawn(context, (*writer)->Write(std::move(request)), boost::asio::use_future);
  context.run();
  outcomes.Apply(pieces.front(), answer.get(), true);
  return outcomes;
}

template <typename Kind>
class ModesConformance : public ::testing::Test {};
using Kinds = ::testing::Types<SaysInResults, SaysByStatus, SaysAsTable>;
TYPED_TEST_SUITE(ModesConformance, Kinds);

TYPED_TEST(ModesConformance, EachAnswerSettlesARecordByTheTable) {
  TypeParam sayer;
  int said = 0;
  for (const OperationRules& rules : kRecordRules) {
    for (size_t i = 0; i < kReplies; ++i) {
      const auto reply = static_cast<Reply>(i);
      if (!sayer.WillSay(rules.operation, reply)) continue;
      SCOPED_TRACE(fmt::format("{} × {}", Name(rules.operation), kReplyNames[i]));
      ++said;
      const BatchOutcomes outcomes = Deliver(sayer, rules.operation);
      EXPECT_EQ(Name(outcomes.outcome(0)), Name(rules.by_reply[i].outcome));
      EXPECT_EQ(outcomes.skip_reason(0), rules.by_reply[i].skip);
      EXPECT_EQ(outcomes.unanswered(0), reply == Reply::kNone);
    }
  }
  EXPECT_GE(said, 19);
}

}  // namespace
}  // namespace penstock::loader
