#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include "fmt/format.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "penstock/v1/resource_service.grpc.pb.h"
#include "penstock/v1/run_service.grpc.pb.h"
#include "penstock/v1/sync_service.grpc.pb.h"
#include "services/common/testing/child_process.h"
#include "services/common/testing/temp_dir.h"
#include "services/common/testing/wait_for.h"
#include "tests/integration/planner_api/error_details.h"
#include "tests/integration/planner_api/unknown_call.h"
#include "tests/scenarios/cluster.h"
#include "tests/support/http/test_server.h"

namespace penstock::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kToken = "PenstockTestTokenOne";
constexpr const char* kOther = "PenstockTestTokenTwo";

std::string Program(const std::string& name) {
  return std::string(PENSTOCK_BIN) + "/" + name;
}

// A real planner and what it needs; its files of tokens and certificates belong to the test.
class AccessTest : public ::testing::Test {
 protected:
  void ServeWithTokens(const std::string& tokens) {
    WriteFile(dir_ / "tokens", tokens);
    Serve({{"api_token_file", dir_ / "tokens"}});
  }
  void ServeTls(std::map<std::string, std::string> more = {}) {
    Present(certificates_);
    more["tls_cert_file"] = dir_ / "cert.pem";
    more["tls_key_file"] = dir_ / "key.pem";
    Serve(std::move(more));
  }
  void Serve(std::map<std::string, std::string> settings) {
    cluster_.emplace(scenario::Cluster::Settings{{"planner", std::move(settings)}},
                     std::vector<std::string>{"state", "planner", "extractor", "loader"},
                     std::set<std::string>());
  }
  // From now on the server's certificate is one of this authority.
  void Present(const test::TestCertificates& authority) {
    const auto pair = authority.Issue("127.0.0.1");
    WriteFile(dir_ / "cert.pem", ReadFile(pair.certificate));
    WriteFile(dir_ / "key.pem", ReadFile(pair.key));
  }

  // A channel with a connection of its own; `ca` empty: plain text.
  std::shared_ptr<grpc::Channel> Connect(const std::string& ca = {}) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    grpc::SslCredentialsOptions tls;
    if (!ca.empty()) tls.pem_root_certs = ReadFile(ca);
    return grpc::CreateCustomChannel(
        cluster_->planner_address(),
        ca.empty() ? grpc::InsecureChannelCredentials() : grpc::SslCredentials(tls), arguments);
  }
  static grpc::Status GetVersion(const std::shared_ptr<grpc::Channel>& channel,
                                 const std::string& authorization = {}) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    if (!authorization.empty()) context.AddMetadata("authorization", authorization);
    v1::GetVersionResponse response;
    return v1::ResourceService::NewStub(channel)->GetVersion(&context, {}, &response);
  }
  static grpc::Status WithToken(const std::shared_ptr<grpc::Channel>& channel,
                                const std::string& token) {
    return GetVersion(channel, "Bearer " + token);
  }

  struct Result {
    int code;
    std::string out;
    std::string err;
  };
  Result Run(std::vector<std::string> args, std::vector<std::string> env = {}) {
    args[0] = Program(args[0]);
    WriteFile(dir_ / "out", "");
    WriteFile(dir_ / "err", "");
    const int code =
        RunProgram({.args = args, .env = std::move(env), .out = dir_ / "out", .err = dir_ / "err"});
    return {code, ReadFile(dir_ / "out"), ReadFile(dir_ / "err")};
  }

  TempDir dir_{"access"};
  test::TestCertificates certificates_;
  std::optional<scenario::Cluster> cluster_;
};

TEST_F(AccessTest, EveryCallOfTheApiWantsAToken) {
  ServeWithTokens(kToken);
  const auto channel = Connect();
  int methods = 0;
  for (const auto* request : {v1::GetVersionRequest::descriptor(), v1::GetRunRequest::descriptor(),
                              v1::PauseSyncRequest::descriptor()}) {
    const auto* descriptor = request->file()->service(0);
    for (int i = 0; i < descriptor->method_count(); ++i) {
      const grpc::Status status = CallWithoutRequest(channel, *descriptor->method(i));
      EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED)
          << descriptor->method(i)->full_name() << ": " << status.error_message();
      ++methods;
    }
  }
  EXPECT_GE(methods, 17);
}

TEST_F(AccessTest, ARefusalSaysWhatToSend) {
  ServeWithTokens(kToken);
  const auto channel = Connect();
  EXPECT_TRUE(WithToken(channel, kToken).ok());
  EXPECT_TRUE(GetVersion(channel, std::string("bearer ") + kToken).ok());
  const std::string remedy =
      "; send one of the planner's --api-token-file as metadata \"authorization: Bearer TOKEN\" "
      "(penstock: --token-file or PENSTOCK_TOKEN_FILE)";
  const grpc::Status none = GetVersion(channel);
  EXPECT_EQ(none.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(none.error_message(), "the call has no bearer token" + remedy);
  const auto info = DetailOf<google::rpc::ErrorInfo>(none).value();
  EXPECT_EQ(info.domain(), "penstock.dev");
  EXPECT_EQ(info.reason(), "UNAUTHENTICATED");
  EXPECT_EQ(info.metadata().at("owner"), "user");
  EXPECT_EQ(WithToken(channel, kOther).error_message(),
            "the call's bearer token is not known" + remedy);
  EXPECT_EQ(WithToken(channel, std::string(kToken) + "x").error_message(),
            "the call's bearer token is not known" + remedy);
  EXPECT_EQ(GetVersion(channel, std::string("Basic ") + kToken).error_message(),
            "the call's authorization is no bearer token" + remedy);
}

TEST_F(AccessTest, HealthIsToldToAnyone) {
  ServeWithTokens(kToken);
  grpc::ClientContext context;
  grpc::health::v1::HealthCheckResponse response;
  const auto status = grpc::health::v1::Health::NewStub(Connect())->Check(&context, {}, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);
}

TEST_F(AccessTest, ATokenIsRotatedWithoutRestart) {
  ServeWithTokens(fmt::format("# of the CI\nci:{}\n", kToken));
  const auto channel = Connect();
  WriteFile(dir_ / "tokens", fmt::format("ci:{}\nci:{}\n", kToken, kOther));
  EXPECT_TRUE(WithToken(channel, kToken).ok());
  EXPECT_TRUE(WithToken(channel, kOther).ok());
  // As Kubernetes replaces a mounted Secret.
  WriteFile(dir_ / "new", fmt::format("ci:{}\n", kOther));
  std::filesystem::rename(dir_ / "new", dir_ / "tokens");
  EXPECT_EQ(WithToken(channel, kToken).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_TRUE(WithToken(channel, kOther).ok());
  // What is no list of tokens changes nothing.
  WriteFile(dir_ / "tokens", "two words\n");
  EXPECT_TRUE(WithToken(channel, kOther).ok());
  std::filesystem::remove(dir_ / "tokens");
  EXPECT_TRUE(WithToken(channel, kOther).ok());
  EXPECT_EQ(WithToken(channel, "two words").error_code(), grpc::StatusCode::UNAUTHENTICATED);
  WriteFile(dir_ / "tokens", kToken);
  EXPECT_TRUE(WithToken(channel, kToken).ok());
}

TEST_F(AccessTest, TheAuditHasTheNameOfTheToken) {
  ServeWithTokens(fmt::format("{}\ngrowth-team:{}\n", kToken, kOther));
  const auto apply = [this](const std::string& name, const std::string& token) {
    v1::ApplyResourcesRequest request;
    v1::Source& source = *request.add_resources()->mutable_source();
    source.mutable_metadata()->set_name(name);
    source.set_connector("postgres");
    for (const char* field : {"host", "database", "user"}) (*source.mutable_config())[field] = "x";
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer " + token);
    v1::ApplyResourcesResponse response;
    return v1::ResourceService::NewStub(Connect())->ApplyResources(&context, request, &response);
  };
  ASSERT_TRUE(apply("one", kToken).ok());
  ASSERT_TRUE(apply("two", kOther).ok());
  EXPECT_EQ(
      cluster_->postgres().Sql("SELECT string_agg(actor, ' ' ORDER BY id) FROM audit", "penstock"),
      "api growth-team");
}

TEST_F(AccessTest, OverTlsOnlyTheRightAuthorityLetsItIn) {
  ServeTls();
  EXPECT_TRUE(GetVersion(Connect(certificates_.ca())).ok());
  EXPECT_EQ(GetVersion(Connect()).error_code(), grpc::StatusCode::UNAVAILABLE);
  const test::TestCertificates others;
  EXPECT_EQ(GetVersion(Connect(others.ca())).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(AccessTest, ACertificateIsRotatedWithoutRestart) {
  ServeTls();
  const auto before = Connect(certificates_.ca());
  ASSERT_TRUE(GetVersion(before).ok());
  const test::TestCertificates next;
  Present(next);
  EXPECT_TRUE(WaitFor([&] { return GetVersion(Connect(next.ca())).ok(); }));
  EXPECT_EQ(GetVersion(Connect(certificates_.ca())).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(GetVersion(before).ok());  // a connection that stands is kept
}

TEST_F(AccessTest, TheCommandIsLetInByItsFiles) {
  WriteFile(dir_ / "tokens", kToken);
  ServeTls({{"api_token_file", dir_ / "tokens"}});
  WriteFile(dir_ / "token", std::string(kToken) + "\n");
  const std::string server = cluster_->planner_address();
  const std::string token = dir_ / "token";
  const Result flags = Run({"penstock", "get", "sources", "--server", server, "--tls-ca",
                            certificates_.ca(), "--token-file", token});
  EXPECT_EQ(flags.code, 0) << flags.err;
  const std::vector<std::string> variables = {"PENSTOCK_SERVER=" + server,
                                              "PENSTOCK_TLS_CA=" + certificates_.ca(),
                                              "PENSTOCK_TOKEN_FILE=" + token};
  const Result environment = Run({"penstock", "get", "sources"}, variables);
  EXPECT_EQ(environment.code, 0) << environment.err;
  // Streams are let in by them, too.
  EXPECT_THAT(Run({"penstock", "watch", "nothing"}, variables).err,
              HasSubstr("there is no run and no Sync with runs named \"nothing\""));

  const Result no_token =
      Run({"penstock", "get", "sources", "--server", server, "--tls-ca", certificates_.ca()});
  EXPECT_EQ(no_token.code, 1);
  EXPECT_THAT(no_token.err, HasSubstr("penstock: the call has no bearer token; send one of"));
  const Result plain = Run({"penstock", "get", "sources", "--server", server});
  EXPECT_EQ(plain.code, 4);
  EXPECT_EQ(plain.err, "penstock: no planner answers at " + server +
                           " in plain text; start one (make up), name its address with --server "
                           "or PENSTOCK_SERVER, or its authority with --tls-ca or "
                           "PENSTOCK_TLS_CA when it serves TLS\n");
  const test::TestCertificates others;
  const Result stranger =
      Run({"penstock", "get", "sources", "--server", server, "--tls-ca", others.ca()});
  EXPECT_EQ(stranger.code, 4);
  EXPECT_EQ(stranger.err, "penstock: no planner answers at " + server +
                              " with TLS and a certificate by " + others.ca() +
                              "; name its address with --server or PENSTOCK_SERVER, and the "
                              "authority that vouches for that name with --tls-ca or "
                              "PENSTOCK_TLS_CA\n");
  WriteFile(dir_ / "token", "two words");
  const Result words = Run({"penstock", "get", "sources"}, variables);
  EXPECT_EQ(words.code, 2);
  EXPECT_EQ(words.err, "penstock: " + token + ": holds no token, which is one word\n");
}

TEST_F(AccessTest, ThePlannerHoldsNoSecretsOfConnections) {
  const Result result = Run({"penstock-planner", "--secrets-dir", dir_ / "secrets"});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("unknown flag \"--secrets-dir\""));
}

TEST_F(AccessTest, AFileOfTokensThatIsWrongIsRefusedAtStartWithoutItsContent) {
  const auto refusal = [this](const std::string& content) {
    WriteFile(dir_ / "tokens", content);
    const Result result = Run({"penstock-planner", "--admin-listen", "127.0.0.1:0", "--listen",
                               "127.0.0.1:0", "--api-token-file", dir_ / "tokens"});
    EXPECT_EQ(result.code, 2);
    return result.err;
  };
  const std::string file = dir_ / "tokens";
  EXPECT_EQ(refusal("# nobody\n\n"),
            "penstock-planner: " + file + ": there is no token; a line is TOKEN or NAME:TOKEN\n");
  EXPECT_EQ(
      refusal("ci:good\nci:secret word\n"),
      "penstock-planner: " + file + ":2: a line is TOKEN or NAME:TOKEN, both without spaces\n");
  EXPECT_EQ(refusal("ci:\n"), "penstock-planner: " + file +
                                  ":1: a line is TOKEN or NAME:TOKEN, both without spaces\n");
}

}  // namespace
}  // namespace penstock::testing
