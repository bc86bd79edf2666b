#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <numeric>

#include "absl/strings/escaping.h"
#include "services/common/config/builtin/builtin_connectors.h"
#include "services/common/config/resource_check.h"
#include "services/common/model/resource_set.h"
#include "services/common/testing/temp_dir.h"
#include "services/loader/app/read_plan.h"
#include "tests/conformance/http/receiver.h"
#include "tests/unit/loader/batch_fixture.h"

// What holds of the connector http, whichever way its requests are authorised and its bodies are
// written: each combination against a destination that checks both by its own means.
namespace penstock::loader {
namespace {

using namespace std::chrono_literals;
using test::Row;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Body {
  std::string name, format;
  bool single = false, gzip = false;
  friend void PrintTo(const Body& body, std::ostream* out) { *out << body.name; }
};
using Combination = std::tuple<std::string, Body>;

std::string AuthYaml(const std::string& auth, const std::string& url) {
  if (auth == "none") return "{type: none}";
  if (auth == "basic") return "{type: basic, user: me, password: \"${secret:s}\"}";
  if (auth == "bearer") return "{type: bearer, token: \"${secret:s}\"}";
  if (auth == "api_key") return "{type: api_key, name: X-Api-Key, key: \"${secret:s}\"}";
  if (auth == "api_key_query")
    return "{type: api_key, in: query, name: api key, key: \"${secret:s}\"}";
  if (auth == "github")
    return "{type: hmac, secret: \"${secret:s}\", header: X-Hub-Signature-256, value: "
           "sha256=$signature}";
  if (auth == "slack")
    return "{type: hmac, secret: \"${secret:s}\", header: X-Slack-Signature, value: v0=$signature, "
           "timestamp_header: X-Slack-Request-Timestamp, signed: \"v0:$timestamp:$body\"}";
  if (auth == "standard_webhooks")
    return "{type: hmac, secret: \"${secret:s}\", secret_encoding: base64, encoding: base64, "
           "header: "
           "webhook-signature, value: \"v1,$signature\", timestamp_header: webhook-timestamp, "
           "signed: $timestamp.$body}";
  if (auth == "stripe")
    return "{type: hmac, secret: \"${secret:s}\", header: Stripe-Signature, value: "
           "\"t=$timestamp,v1=$signature\", signed: $timestamp.$body}";
  return "{type: oauth2, token_url: " + url +
         "/token, client_id: me, client_secret: \"${secret:s}\", scope: read write, audience: "
         "\"https://api.example\", client_auth: " +
         (auth == "oauth2_body" ? "body" : "basic") + "}";
}

std::string OperationYaml(const Body& body) {
  std::string request = "{path: /records, body: {records: {$each: record, $do: $record.fields}}";
  if (body.single) request = "{path: /records/$record.identity, body: $record.fields";
  if (!body.single && body.format == "ndjson") request = "{path: /records, body: $record.fields";
  request += ", format: " + body.format + (body.gzip ? ", compression: gzip}" : "}");
  if (body.single)
    return "{request: " + request + ", batch: {max_records: 1}, result: {message: /message}}";
  return "{request: " + request +
         ", confirms: record, result: {results: /taken, record: /id, errors: /errors, "
         "error_record: /id, by: identity, message: /message}}";
}

class HttpConformance : public ::testing::TestWithParam<Combination> {
 protected:
  // Nobody here speaks TLS, and the system's authorities take long to read.
  static void SetUpTestSuite() { ::setenv("SSL_CERT_FILE", "/dev/null", 1); }
  HttpConformance() { WriteSecret("first-secret"); }

  const std::string& auth() const { return std::get<0>(GetParam()); }
  const Body& body() const { return std::get<1>(GetParam()); }

  void WriteSecret(const std::string& secret) {
    const bool encoded = auth() == "standard_webhooks";
    testing::WriteFile(secrets_.path() / "s",
                       (encoded ? absl::Base64Escape(secret) : secret) + "\n");
  }

  Destination Declare() const {
    DeclaredResources declared;
    ReadResources("f.yaml",
                  "apiVersion: penstock.dev/v1\nkind: Destination\nmetadata: {name: d}\nspec:\n"
                  "  connector: http\n  config:\n    base_url: " +
                      receiver_.url() + "\n    auth: " + AuthYaml(auth(), receiver_.url()) +
                      "\n  objects: {o: {operations: {upsert: " + OperationYaml(body()) + "}}}\n",
                  declared);
    CheckDeclared(declared, BuiltinConnectors());
    for (const ResourceError& error : declared.errors) ADD_FAILURE() << error.ToString();
    return std::get<Destination>(declared.resources.at(0));
  }

  // As a loader does when it reads what was declared, and secrets, anew.
  void Connect() {
    const Destination destination = Declare();
    const Connector connector =
        EffectiveConnector(Connector{.meta = {.name = "http"}}, destination);
    auto settings = ResolveSettings(Secrets(secrets_.path()), connector, destination);
    ASSERT_TRUE(settings.ok()) << settings.status();
    auto connection = MakeConnection(context_.get_executor(), LoaderSettings{}, *settings, tokens_);
    ASSERT_TRUE(connection.ok()) << connection.status();
    Use(connector, *std::move(connection));
  }

  void Use(const Connector& connector, std::shared_ptr<Connection> connection) {
    const Sync sync{.object = "o", .identity = {"id"}};
    auto writer = MakeWriter(sync, connector, *connection, header_);
    ASSERT_TRUE(writer.ok()) << writer.status();
    writer_ = *std::move(writer);
    connection_ = std::move(connection);
  }

  // Each record's result, in requests of as many records as the operation allows.
  std::vector<Answer> Send(const std::vector<std::string>& ids) {
    std::vector<Row> rows;
    for (const std::string& id : ids)
      rows.push_back({"\"" + id + "\"", "\"" + std::string(700, 'n') + "\""});
    batch_.emplace(test::MakeBatch(header_, rows));
    std::vector<uint32_t> records(ids.size());
    std::iota(records.begin(), records.end(), 0);
    std::vector<Answer> answers;
    const size_t step = body().single ? 1 : records.size();
    for (size_t i = 0; i < records.size(); i += step) {
      WriteRequest request{
          &*batch_, std::span(records).subspan(i, step), {}, BootClock::now() + 10s, {}};
      answers.push_back(Run(writer_->Write(std::move(request))));
    }
    return answers;
  }

  template <typename T>
  T Run(boost::asio::awaitable<T> operation) {
    auto future = boost::asio::co_spawn(context_, std::move(operation), boost::asio::use_future);
    context_.restart();
    context_.run();
    return future.get();
  }

  testing::TempDir secrets_{"secrets"};
  Receiver receiver_{auth(), body().format, body().single};
  BatchHeader header_ = test::MakeHeader({{"id"}, {"name"}}, {0});
  boost::asio::io_context context_;
  OAuthTokens tokens_;
  std::shared_ptr<Connection> connection_;
  std::unique_ptr<DestinationWriter> writer_;
  std::optional<Batch> batch_;
};

TEST_P(HttpConformance, EveryRecordArrivesAndIsConfirmed) {
  Connect();
  for (const Answer& answer : Send({"a", "b/c", "\\u00e9"})) {
    EXPECT_EQ(answer.verdict, Verdict::kRecords) << answer.message;
    for (const RecordResult& record : answer.records)
      EXPECT_EQ(record.fate, RecordFate::kDelivered);
  }
  if (!body().single) {
    EXPECT_THAT(receiver_.taken(), ElementsAre("a", "b/c", "\xC3\xA9"));
    EXPECT_THAT(receiver_.complaints(), IsEmpty());
  }
}

TEST_P(HttpConformance, ARefusedRecordIsToldInTheDestinationsWords) {
  Connect();
  receiver_.Refuse("b");
  const std::vector<Answer> answers = Send({"a", "b", "c"});
  const RecordResult refused = body().single ? answers.at(1).alone : answers.at(0).records.at(1);
  EXPECT_EQ(refused.fate, RecordFate::kRejected);
  EXPECT_THAT(refused.message, HasSubstr("not b"));
  EXPECT_THAT(receiver_.taken(), ElementsAre("a", "c"));
  EXPECT_THAT(receiver_.complaints(), IsEmpty());
}

TEST_P(HttpConformance, LargeBodiesAreCompressedWhereAsked) {
  Connect();
  Send({"a", "b"});
  const bool small = body().single;  // under a kilobyte
  EXPECT_EQ(receiver_.seen().back().headers.contains("content-encoding"), body().gzip && !small);
}

// Of whoever shows credentials.
class CredentialsConformance : public HttpConformance {};

TEST_P(CredentialsConformance, RefusedCredentialsAreTheUsersToMendAndStaySecret) {
  Connect();
  receiver_.SetSecret("another-secret");
  const Answer answer = Send({"a"}).front();
  EXPECT_EQ(answer.verdict, Verdict::kUnauthenticated);
  EXPECT_TRUE(answer.answered);
  EXPECT_EQ(answer.code, ErrorCode::kDESTINATION_UNAUTHENTICATED);
  EXPECT_THAT(answer.message, Not(HasSubstr("first-secret")));
  EXPECT_THAT(answer.message, Not(HasSubstr("bWU6Zmlyc3Qtc2VjcmV0"))) << "nor in base64";
  EXPECT_THAT(receiver_.taken(), IsEmpty());
}

TEST_P(HttpConformance, ARotatedSecretWorks) {
  Connect();
  receiver_.SetSecret("another-secret");
  WriteSecret("another-secret");
  Connect();
  EXPECT_EQ(Send({"a"}).front().verdict, Verdict::kRecords);
}

TEST_P(HttpConformance, WhatIsShownHoldsNoSecret) {
  const Destination destination = Declare();
  const Connector connector = EffectiveConnector(Connector{.meta = {.name = "http"}}, destination);
  auto connection = MakeConnection(context_.get_executor(), LoaderSettings{},
                                   MaskedSettings(connector, destination), tokens_);
  ASSERT_TRUE(connection.ok()) << connection.status();
  Use(connector, *std::move(connection));
  const Batch batch = test::MakeBatch(header_, {{R"("a")", R"("n")"}});
  const std::vector<uint32_t> records = {0};
  const auto rendered = writer_->Render(batch, records);
  ASSERT_TRUE(rendered.ok()) << rendered.status();
  EXPECT_THAT(rendered->front().target, Not(HasSubstr("secret")));
  if (auth() == "api_key_query") {
    EXPECT_THAT(rendered->front().target, HasSubstr("?api%20key=********"));
  }
}

const auto kAnyBody = ::testing::Values(Body{"json", "json"}, Body{"json_single", "json", true},
                                        Body{"ndjson", "ndjson"}, Body{"form_single", "form", true},
                                        Body{"json_gzip", "json", false, true},
                                        Body{"ndjson_gzip", "ndjson", false, true});
const auto kCredentials =
    ::testing::Values("basic", "bearer", "api_key", "api_key_query", "oauth2", "oauth2_body",
                      "github", "slack", "stripe", "standard_webhooks");

std::string NameOf(const ::testing::TestParamInfo<Combination>& test) {
  return std::get<0>(test.param) + "_" + std::get<1>(test.param).name;
}

INSTANTIATE_TEST_SUITE_P(None, HttpConformance,
                         ::testing::Combine(::testing::Values("none"), kAnyBody), NameOf);
INSTANTIATE_TEST_SUITE_P(Credentials, HttpConformance, ::testing::Combine(kCredentials, kAnyBody),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Credentials, CredentialsConformance,
                         ::testing::Combine(kCredentials, kAnyBody), NameOf);

// The life of an access token.
class OAuthConformance : public HttpConformance {};

TEST_P(OAuthConformance, OneTokenServesAllAndIsFetchedAnewWhenRefused) {
  Connect();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Send({"a"}).front().verdict, Verdict::kRecords);
  EXPECT_EQ(receiver_.tokens_given(), 1);
  Connect();  // another Destination, or one that was applied anew, with the same credentials
  EXPECT_EQ(Send({"a"}).front().verdict, Verdict::kRecords);
  EXPECT_EQ(receiver_.tokens_given(), 1);
  receiver_.RevokeTokens();
  EXPECT_EQ(Send({"a"}).front().verdict, Verdict::kUnauthenticated);
  EXPECT_EQ(Send({"a"}).front().verdict, Verdict::kRecords);
  EXPECT_EQ(receiver_.tokens_given(), 2);
}

TEST_P(OAuthConformance, ARefusalIsToldInTheWordsOfTheTokenEndpoint) {
  receiver_.SetSecret("another-secret");
  Connect();
  EXPECT_THAT(
      Send({"a"}).front().message,
      HasSubstr("/token refuses the client credentials: HTTP status 401: invalid_client: no "
                "client me"));
}

INSTANTIATE_TEST_SUITE_P(Tokens, OAuthConformance,
                         ::testing::Combine(::testing::Values("oauth2", "oauth2_body"),
                                            ::testing::Values(Body{"json", "json"})));

}  // namespace
}  // namespace penstock::loader
