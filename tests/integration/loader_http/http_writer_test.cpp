#include "services/loader/destinations/http/http_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json.hpp>
#include <numeric>

#include "services/common/core/status.h"
#include "services/loader/destinations/http/http_test.h"
#include "tests/support/http/test_server.h"
#include "tests/unit/loader/batch_fixture.h"

namespace penstock::loader {
namespace {

using namespace std::chrono_literals;
using penstock::test::Respond;
using penstock::test::SeenRequest;
using penstock::test::TestAnswer;
using penstock::test::TestServer;
using test::Row;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The contacts of connectors/hubspot.yaml, as far as these tests need them.
OperationSpec HubSpotUpsert() {
  OperationSpec spec;
  spec.request.path = "/crm/v3/objects/contacts/batch/upsert";
  spec.request.body = R"({"inputs":{"$each":"record","$do":{"id":"$record.identity",
      "idProperty":{"$case":"$sync.identity","$of":{"email":"email"}},
      "objectWriteTraceId":"$record.index","properties":"$record.fields"}}})";
  spec.batch.max_records = 100;
  spec.confirms = Confirms::kRecord;
  spec.result.results = "/results";
  spec.result.record = "/objectWriteTraceId";
  spec.result.errors = "/errors";
  spec.result.error_record = "/context/objectWriteTraceId/0";
  spec.result.message = "/message";
  return spec;
}

OperationSpec HubSpotRemove() {
  OperationSpec spec;
  spec.request.path = "/archive";
  spec.request.body = R"({"inputs":{"$each":"record","$do":{"id":"$record.resolved"}}})";
  spec.batch.max_records = 100;
  spec.resolve.emplace();
  spec.resolve->request.path = "/read";
  spec.resolve->request.body =
      R"({"idProperty":"$sync.identity","inputs":{"$each":"record","$do":{"id":"$record.identity"}}})";
  spec.resolve->records = "/results";
  spec.resolve->match = "/properties/${sync.identity}";
  spec.resolve->id = "/id";
  return spec;
}

class HttpWriterTest : public ::testing::Test {
 protected:
  void Make(const std::string& url, const OperationSpec& spec, Operation operation) {
    auto client = HttpClient::Create(context_.get_executor(), {});
    ASSERT_TRUE(client.ok());
    client_ = std::move(*client);
    HttpWriterSpec writer;
    writer.base_url = url + "/base";
    writer.operation = operation;
    writer.spec = spec;
    writer.normalise = Normalisation::kLowerTrim;
    writer.context = test::ContextOf(header_);
    auth_ = MakeAuth({{"type", "bearer"}, {"token", "s3cret"}});
    auto made = HttpWriter::Make(writer, *client_, *auth_, Clock::System());
    ASSERT_TRUE(made.ok()) << made.status();
    writer_ = std::move(*made);
  }
  static std::unique_ptr<HttpAuth> MakeAuth(const Config& auth) {
    return std::move(*HttpAuth::Make(auth, {}, nullptr, Clock::System()));
  }
  HttpTestResult Test(const std::string& url, HttpAuth& auth, const std::string& path = "") {
    HttpTestSpec spec{url, path, "${secret:crm_token} (config.token)"};
    return Run(TestHttpDestination(*client_, auth, std::move(spec), BootClock::now() + 5s,
                                   Clock::System()));
  }
  Answer Write(const std::vector<Row>& rows, std::function<bool()> may_write = {}) {
    batch_.emplace(test::MakeBatch(header_, rows));
    records_.resize(rows.size());
    std::iota(records_.begin(), records_.end(), 0);
    WriteRequest request{&*batch_, records_, {}, BootClock::now() + 10s, std::move(may_write)};
    return Run(writer_->Write(std::move(request)));
  }
  template <typename T>
  T Run(boost::asio::awaitable<T> operation) {
    auto future = boost::asio::co_spawn(context_, std::move(operation), boost::asio::use_future);
    context_.restart();
    context_.run();
    return future.get();
  }
  static std::vector<RecordFate> Fates(const Answer& answer) {
    std::vector<RecordFate> fates;
    for (const auto& record : answer.records) fates.push_back(record.fate);
    return fates;
  }

  BatchHeader header_ = test::MakeHeader({{"email"}, {"firstname"}}, {0});
  boost::asio::io_context context_;
  std::unique_ptr<HttpClient> client_;
  std::unique_ptr<HttpAuth> auth_;
  std::unique_ptr<HttpWriter> writer_;
  std::optional<Batch> batch_;
  std::vector<uint32_t> records_;
};

TEST_F(HttpWriterTest, SendsABatchAndReadsEachRecordsResult) {
  TestServer server([](const SeenRequest&) {
    return Respond(207, R"({"results":[{"objectWriteTraceId":"0"}],"errors":[{"message":"bad",
        "context":{"objectWriteTraceId":["1"]}}]})");
  });
  Make(server.url(), HubSpotUpsert(), Operation::kUpsert);
  const Answer answer =
      Write({{R"("a@x")", R"("A")"}, {R"("b@x")", R"("")"}, {R"("c@x")", R"("C")"}});
  EXPECT_THAT(Fates(answer),
              ElementsAre(RecordFate::kDelivered, RecordFate::kRejected, RecordFate::kUnanswered));
  const SeenRequest seen = server.seen().at(0);
  EXPECT_EQ(seen.target, "/base/crm/v3/objects/contacts/batch/upsert");
  EXPECT_EQ(seen.headers.at("authorization"), "Bearer s3cret");
  EXPECT_EQ(seen.headers.at("content-type"), "application/json");
  const auto body = boost::json::parse(seen.body);
  EXPECT_EQ(body.at("inputs").at(2).at("properties").at("email").as_string(), "c@x");
}

TEST_F(HttpWriterTest, LooksUpWhatItRemoves) {
  TestServer server([](const SeenRequest& request) {
    if (request.target == "/base/read") {
      return Respond(207,
                     R"({"results":[{"id":"77","properties":{"email":"B@X "}}],"errors":[{}]})");
    }
    return Respond(204, "");
  });
  header_ = test::MakeHeader({{"email"}}, {0}, Operation::kRemove);
  Make(server.url(), HubSpotRemove(), Operation::kRemove);
  const Answer answer = Write({{R"("a@x")"}, {R"("b@x")"}});
  EXPECT_THAT(Fates(answer), ElementsAre(RecordFate::kUnchanged, RecordFate::kDelivered));
  ASSERT_EQ(server.seen().size(), 2u);
  EXPECT_EQ(server.seen()[1].body, R"({"inputs":[{"id":"77"}]})");
}

TEST_F(HttpWriterTest, RemovesNothingWhenNothingIsFound) {
  TestServer server([](const SeenRequest&) { return Respond(200, R"({"results":[]})"); });
  header_ = test::MakeHeader({{"email"}}, {0}, Operation::kRemove);
  Make(server.url(), HubSpotRemove(), Operation::kRemove);
  EXPECT_THAT(Fates(Write({{R"("a@x")"}})), ElementsAre(RecordFate::kUnchanged));
  EXPECT_EQ(server.seen().size(), 1u);
}

TEST_F(HttpWriterTest, AFailedLookUpRemovesNothingAndLeavesNoDoubt) {
  for (const TestAnswer& nonsense :
       {Respond(200, "<html>"), Respond(200, R"({"other":1})"), Respond(503, ""),
        Respond(200, R"({"results":[{"properties":{"email":"a@x"}}]})"),
        TestAnswer{"", 0ms, true, false}}) {
    TestServer server([&](const SeenRequest&) { return nonsense; });
    header_ = test::MakeHeader({{"email"}}, {0}, Operation::kRemove);
    Make(server.url(), HubSpotRemove(), Operation::kRemove);
    const Answer answer = Write({{R"("a@x")"}});
    EXPECT_EQ(answer.verdict, Verdict::kFailed) << nonsense.bytes;
    EXPECT_TRUE(answer.answered) << nonsense.bytes;
    EXPECT_EQ(server.seen().size(), 1u);
  }
}

TEST_F(HttpWriterTest, TellsUnsentFromUnanswered) {
  std::string url;
  {
    TestServer cut(
        [](const SeenRequest&) { return TestAnswer{"HTTP/1.1 200 OK\r\n", 0ms, true, false}; });
    url = cut.url();
    Make(url, HubSpotUpsert(), Operation::kUpsert);
    const Answer answer = Write({{R"("a@x")", "1"}});
    EXPECT_EQ(answer.verdict, Verdict::kFailed);
    EXPECT_FALSE(answer.answered);
    const Answer refused = Write({{R"("a@x")", "1"}}, [] { return false; });
    EXPECT_EQ(refused.verdict, Verdict::kNotAllowed);
    EXPECT_TRUE(refused.answered);
  }
  const Answer gone = Write({{R"("a@x")", "1"}});
  EXPECT_EQ(gone.verdict, Verdict::kFailed);
  EXPECT_TRUE(gone.answered);
  EXPECT_EQ(gone.code, ErrorCode::kDESTINATION_UNREACHABLE);
}

TEST_F(HttpWriterTest, ABodyOverTheLimitIsRefusedBeforeItIsSent) {
  TestServer server([](const SeenRequest&) { return Respond(200, "{}"); });
  OperationSpec spec = HubSpotUpsert();
  spec.batch.max_bytes = 200;
  Make(server.url(), spec, Operation::kUpsert);
  const std::string large = "\"" + std::string(300, 'x') + "\"";
  const Answer answer = Write({{R"("a@x")", large}});
  EXPECT_EQ(answer.verdict, Verdict::kRefused);
  EXPECT_EQ(answer.alone.code, ErrorCode::kRECORD_TOO_LARGE);
  EXPECT_EQ(server.accepted(), 0u);
}

TEST_F(HttpWriterTest, RendersWithoutCredentials) {
  Make("http://127.0.0.1:1", HubSpotRemove(), Operation::kUpsert);
  const Batch batch = test::MakeBatch(header_, {{R"("a@x")", "1"}});
  const std::vector<uint32_t> records = {0};
  const auto rendered = writer_->Render(batch, records);
  ASSERT_TRUE(rendered.ok()) << rendered.status();
  ASSERT_EQ(rendered->size(), 2u);
  EXPECT_EQ((*rendered)[0].target, "/base/read");
  EXPECT_EQ((*rendered)[1].body, R"({"inputs":[{"id":"<id looked up>"}]})");
  for (const auto& request : *rendered) {
    for (const auto& [name, value] : request.headers) EXPECT_THAT(value, Not(HasSubstr("s3cret")));
  }
}

TEST_F(HttpWriterTest, TheTestSaysWhoMustActAndWhichSecretToCheck) {
  TestServer refuses([](const SeenRequest&) { return Respond(401, ""); });
  Make(refuses.url(), HubSpotUpsert(), Operation::kUpsert);
  const auto basic = MakeAuth({{"type", "basic"}, {"user", "u"}, {"password", "p"}});
  const absl::Status status = Test(refuses.url(), *basic).status;
  EXPECT_EQ(CodeOf(status), ErrorCode::kDESTINATION_UNAUTHENTICATED);
  EXPECT_THAT(std::string(status.message()), HasSubstr("check ${secret:crm_token} (config.token)"));
  EXPECT_EQ(refuses.seen().at(0).headers.at("authorization"), "Basic dTpw");
}

TEST_F(HttpWriterTest, TheTestTellsEachStep) {
  TestServer good([](const SeenRequest&) {
    return Respond(404, "",
                   "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-RateLimit-Limit: 100\r\n"
                   "X-RateLimit-Remaining: 87\r\n");
  });
  Make(good.url(), HubSpotUpsert(), Operation::kUpsert);
  const HttpTestResult result = Test(good.url(), *auth_);
  EXPECT_TRUE(result.status.ok()) << result.status;
  EXPECT_THAT(result.findings,
              ElementsAre(HasSubstr("127.0.0.1 is 127.0.0.1 and takes connections"),
                          HasSubstr("answers with HTTP status 404 in "),
                          HasSubstr("config.test_path names a path"),
                          "it says that 87 of 100 requests are left for now",
                          HasSubstr("s ahead of the destination's; set it by NTP")));
}

TEST_F(HttpWriterTest, ADestinationThatOnlyRedirectsIsNotAlive) {
  TestServer elsewhere([](const SeenRequest& request) {
    if (request.target == "/me") return Respond(200, "{}");
    return Respond(302, "", "Location: https://login.example/start?token=s3cret\r\n");
  });
  Make(elsewhere.url(), HubSpotUpsert(), Operation::kUpsert);
  const absl::Status status = Test(elsewhere.url(), *auth_).status;
  EXPECT_EQ(CodeOf(status), ErrorCode::kDESTINATION_REDIRECTED);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("redirects to https://login.example/start (HTTP status 302)"),
                    Not(HasSubstr("s3cret"))));
  EXPECT_TRUE(Test(elsewhere.url(), *auth_, "/me").status.ok());
}

TEST_F(HttpWriterTest, APathToTestMustAnswerWell) {
  TestServer server([](const SeenRequest&) { return Respond(404, ""); });
  Make(server.url(), HubSpotUpsert(), Operation::kUpsert);
  const absl::Status status = Test(server.url(), *auth_, "/me").status;
  EXPECT_EQ(CodeOf(status), ErrorCode::kINVALID_CONFIGURATION);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/me answers with HTTP status 404"));
}

TEST_F(HttpWriterTest, WhatADestinationRepeatsOfASecretIsMasked) {
  TestServer server([](const SeenRequest& request) {
    return Respond(400, R"({"message":"bad: )" + request.headers.at("authorization") + "\"}");
  });
  Make(server.url(), HubSpotUpsert(), Operation::kUpsert);
  const Answer answer = Write({{R"("a@x")", R"("A")"}});
  EXPECT_EQ(answer.alone.message, "HTTP status 400: bad: Bearer ********");
}

}  // namespace
}  // namespace penstock::loader
