#include "services/common/process/exposure.h"

#include <gmock/gmock.h>

#include "services/common/core/status.h"
#include "services/common/obs/log.h"
#include "services/common/testing/temp_dir.h"
#include "tests/integration/security/programs.h"
#include "tests/support/http/test_server.h"

namespace penstock::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Exposure, AServiceThatWouldBeOpenToTheNetworkDoesNotStart) {
  const test::TestCertificates certificates;
  const auto pair = certificates.Issue("127.0.0.1");
  const TempDir dir("exposure");
  WriteFile(dir / "tokens", "PenstockTestTokenOne");
  for (const std::string& service : kServices) {
    const std::string remedy =
        " is not a loopback address: give --tls-cert-file and --tls-key-file, and " +
        std::string(service == "planner" ? "--api-token-file or " : "") +
        "--tls-client-ca-file; or say --insecure where the network sees to both\n";
    const auto refusal = [&](const std::string& listen,
                             std::map<std::string, std::string> options = {}) {
      options["listen"] = listen;
      const ProgramEnd end = RunService(service, std::move(options));
      EXPECT_EQ(end.code, 2) << end.err;
      return end.err;
    };
    EXPECT_EQ(refusal("0.0.0.0:7070"), "penstock-" + service + ": --listen=0.0.0.0:7070" + remedy);
    EXPECT_EQ(refusal(":7070"), "penstock-" + service + ": --listen=:7070" + remedy);
    EXPECT_THAT(refusal("127.example.com:7070"), EndsWith(remedy));
    EXPECT_THAT(
        refusal("[::]:0", {{"tls-cert-file", pair.certificate}, {"tls-key-file", pair.key}}),
        EndsWith(remedy));
    EXPECT_THAT(refusal("0.0.0.0:0", {{"tls-client-ca-file", certificates.ca()}}),
                EndsWith(remedy));
    if (service == "planner") {
      EXPECT_THAT(refusal("0.0.0.0:0", {{"api-token-file", dir / "tokens"}}), EndsWith(remedy));
    }
  }
}

class ExposureLogTest : public ::testing::Test {
 protected:
  ExposureLogTest() {
    SetLogSink([this](std::string_view line) { log_ += line; });
  }
  ~ExposureLogTest() override { SetLogSink(nullptr); }
  std::string log_;
};

TEST_F(ExposureLogTest, WhoSaysInsecureIsWarnedOfWhatIsOpen) {
  ServeSettings settings{.listen = "0.0.0.0:7071", .insecure = true};
  EXPECT_TRUE(CheckExposure(settings).ok());
  EXPECT_THAT(log_, HasSubstr(R"("level":"warning")"));
  EXPECT_THAT(log_, HasSubstr(R"("event":"insecure_listen")"));
  EXPECT_THAT(log_, HasSubstr("in plain text beyond this machine"));
  EXPECT_THAT(log_, HasSubstr("0.0.0.0:7071"));
  log_.clear();
  settings.tls_cert_file = "cert.pem";
  EXPECT_TRUE(CheckExposure(settings).ok());
  EXPECT_THAT(log_, HasSubstr("serves anyone beyond this machine"));
}

TEST_F(ExposureLogTest, WhatIsClosedNeedsNoWarning) {
  EXPECT_TRUE(CheckExposure({.listen = "127.0.0.1:0", .insecure = true}).ok());
  EXPECT_TRUE(CheckExposure({.listen = "[::1]:0"}).ok());
  EXPECT_TRUE(CheckExposure({.listen = "localhost:7071"}).ok());
  const ServeSettings mutual{.listen = "0.0.0.0:7071",
                             .tls_cert_file = "cert.pem",
                             .tls_key_file = "key.pem",
                             .tls_client_ca_file = "ca.pem",
                             .insecure = true};
  EXPECT_TRUE(CheckExposure(mutual).ok());
  const std::string token_file = "tokens";
  const ServeSettings tokens{
      .listen = "0.0.0.0:7070", .tls_cert_file = "cert.pem", .tls_key_file = "key.pem"};
  EXPECT_TRUE(CheckExposure(tokens, &token_file).ok());
  EXPECT_FALSE(CheckExposure(tokens).ok());
  EXPECT_THAT(log_, IsEmpty());
}

}  // namespace
}  // namespace penstock::testing
