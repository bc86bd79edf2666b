#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <gtest/gtest.h>

#include "grpc/health/v1/health.grpc.pb.h"
#include "services/common/core/status.h"
#include "services/common/rpc/rpc_channel.h"
#include "services/common/rpc/rpc_server.h"
#include "services/common/testing/free_port.h"
#include "tests/support/http/test_server.h"

namespace penstock {
namespace {

using ::testing::HasSubstr;

class RpcTlsTest : public ::testing::Test {
 protected:
  void Serve(const std::string& client_ca) {
    auto pair = certificates_.Issue("localhost");
    server_ = *RpcServer::Start(
        {.listen = "127.0.0.1:0",
         .tls = {.ca_file = client_ca, .cert_file = pair.certificate, .key_file = pair.key}},
        {});
  }
  bool Reaches(const TlsFiles& tls) {
    return Answers({.addresses = {"localhost:" + std::to_string(server_->port())}, .tls = tls});
  }
  static bool Answers(const RpcChannelOptions& options) {
    auto channel = *MakeChannel(options);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
    grpc::health::v1::HealthCheckResponse response;
    return grpc::health::v1::Health::NewStub(channel)->Check(&context, {}, &response).ok();
  }

  test::TestCertificates certificates_;
  std::unique_ptr<RpcServer> server_;
};

TEST_F(RpcTlsTest, AClientThatKnowsTheAuthorityGetsIn) {
  Serve("");
  EXPECT_TRUE(Reaches({.ca_file = certificates_.ca()}));
  EXPECT_FALSE(Reaches({}));
  test::TestCertificates others;
  EXPECT_FALSE(Reaches({.ca_file = others.ca()}));
}

TEST_F(RpcTlsTest, WithAClientAuthorityOnlyItsCertificatesGetIn) {
  Serve(certificates_.ca());
  auto own = certificates_.Issue("loader");
  EXPECT_TRUE(
      Reaches({.ca_file = certificates_.ca(), .cert_file = own.certificate, .key_file = own.key}));
  EXPECT_FALSE(Reaches({.ca_file = certificates_.ca()}));
}

TEST_F(RpcTlsTest, AListOfAddressesExpectsTheNameItIsGiven) {
  Serve("");  // a certificate for localhost
  const std::string address = "127.0.0.1:" + std::to_string(server_->port());
  const std::string second = "127.0.0.1:" + std::to_string(testing::FreePort());
  const TlsFiles tls{.ca_file = certificates_.ca()};
  EXPECT_TRUE(Answers({.addresses = {address, second}, .tls = tls, .tls_name = "localhost"}));
  EXPECT_FALSE(Answers({.addresses = {address, second}, .tls = tls, .tls_name = "state"}));
  EXPECT_FALSE(Answers({.addresses = {address}, .tls = tls}));
}

TEST_F(RpcTlsTest, FilesThatDoNotFitAreRefusedByName) {
  auto refusal = [](const TlsFiles& tls) {
    absl::Status status = RpcServer::Start({.tls = tls}, {}).status();
    EXPECT_EQ(CodeOf(status), ErrorCode::kINVALID_CONFIGURATION);
    return std::string(status.message());
  };
  auto pair = certificates_.Issue("localhost");
  EXPECT_THAT(refusal({.cert_file = "/no/such.pem", .key_file = pair.key}),
              HasSubstr("/no/such.pem"));
  EXPECT_THAT(refusal({.cert_file = pair.certificate}), HasSubstr("together"));
  EXPECT_THAT(refusal({.ca_file = certificates_.ca()}), HasSubstr("only with TLS"));
  EXPECT_FALSE(MakeChannel({.addresses = {"localhost:1"},
                            .tls = {.cert_file = pair.certificate, .key_file = pair.key}})
                   .ok());
}

}  // namespace
}  // namespace penstock
