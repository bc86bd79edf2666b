#include "services/common/rpc/tls_watch.h"

#include <gmock/gmock.h>
#include <grpcpp/channel.h>

#include <filesystem>
#include <mutex>

#include "grpc/health/v1/health.grpc.pb.h"
#include "services/common/core/status.h"
#include "services/common/obs/catalogue.h"
#include "services/common/obs/log.h"
#include "services/common/obs/metrics.h"
#include "services/common/rpc/grpc_log.h"
#include "services/common/rpc/rpc_channel.h"
#include "services/common/rpc/rpc_server.h"
#include "services/common/rpc/tls_openssl.h"
#include "services/common/testing/temp_dir.h"
#include "services/common/testing/wait_for.h"
#include "tests/support/tls/authority.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using ::penstock::test::Authority;
using ::penstock::testing::TempDir;
using ::penstock::testing::WaitFor;
using ::penstock::testing::WriteFile;
using std::chrono::system_clock;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

// Files of one side, replaced as a rotation does.
class Files {
 public:
  explicit Files(const std::string& label) : dir_(label) {}
  void Write(const std::string& ca, const Authority::Pair& pair) {
    WriteCa(ca);
    Replace("cert.pem", pair.cert);
    Replace("key.pem", pair.key);
  }
  void WriteCa(const std::string& ca) { Replace("ca.pem", ca); }
  void Replace(const std::string& name, const std::string& content) {
    WriteFile(dir_ / "new", content);
    std::filesystem::rename(dir_ / "new", dir_ / name);
  }
  TlsFiles files() const {
    return {
        .ca_file = dir_ / "ca.pem", .cert_file = dir_ / "cert.pem", .key_file = dir_ / "key.pem"};
  }

 private:
  TempDir dir_;
};

class TlsCheckTest : public ::testing::Test {
 protected:
  // What starting with these files says.
  std::string Refusal(TlsUse use = TlsUse::kPeer, bool own_authority = true) {
    const absl::Status status =
        TlsWatch::Open({.files = files_.files(), .use = use, .own_authority = own_authority})
            .status();
    EXPECT_EQ(CodeOf(status), ErrorCode::kINVALID_CONFIGURATION) << status;
    return std::string(status.message());
  }
  Authority authority_;
  Files files_{"tls-check"};
};

TEST_F(TlsCheckTest, WhatFitsIsTaken) {
  files_.Write(authority_.Pem(), authority_.Issue({"state", "127.0.0.1"}));
  for (const TlsUse use : {TlsUse::kPeer, TlsUse::kServer}) {
    const auto watch = TlsWatch::Open({.files = files_.files(), .use = use});
    ASSERT_TRUE(watch.ok()) << watch.status();
    EXPECT_THAT((*watch)->facts().names, ::testing::ElementsAre("state", "127.0.0.1"));
    EXPECT_NEAR(
        std::chrono::duration<double>((*watch)->facts().expiry - system_clock::now()).count(),
        24 * 3600, 60);
  }
}

TEST_F(TlsCheckTest, AFileThatIsMissingOrNoCertificateIsNamed) {
  const auto pair = authority_.Issue({"state"});
  files_.Write(authority_.Pem(), pair);
  const TlsFiles names = files_.files();
  files_.Replace("key.pem", pair.cert);
  EXPECT_EQ(Refusal(), names.key_file + ": holds no PEM key, or an encrypted one");
  files_.Replace("cert.pem", pair.key);
  EXPECT_EQ(Refusal(), names.cert_file + ": holds no PEM certificate");
  files_.Replace("cert.pem", pair.cert.substr(0, 200) + "\n-----END CERTIFICATE-----\n");
  EXPECT_EQ(Refusal(), names.cert_file + ": its certificate no. 1 can't be read");
  files_.Replace("cert.pem", "hello");
  EXPECT_EQ(Refusal(), names.cert_file + ": is no PEM file");
  std::filesystem::remove(names.cert_file);
  EXPECT_EQ(Refusal(), names.cert_file + ": can't be read");
}

TEST_F(TlsCheckTest, AKeyOfAnotherCertificateIsRefused) {
  files_.Write(authority_.Pem(), authority_.Issue({"state"}));
  files_.Replace("key.pem", authority_.Issue({"state"}).key);
  const TlsFiles names = files_.files();
  for (const TlsUse use : {TlsUse::kPeer, TlsUse::kServer})
    EXPECT_EQ(Refusal(use),
              names.key_file + ": is not the key of the certificate in " + names.cert_file);
}

TEST_F(TlsCheckTest, ACertificateOfAnotherAuthorityIsRefusedWhereTheAuthorityIsItsOwn) {
  const Authority other("Another authority");
  const Authority namesake;
  const TlsFiles names = files_.files();
  for (const Authority* authority : {&other, &namesake}) {
    files_.Write(authority_.Pem(), authority->Issue({"state"}));
    for (const TlsUse use : {TlsUse::kPeer, TlsUse::kServer}) {
      EXPECT_EQ(Refusal(use), names.cert_file + ": no authority in " + names.ca_file +
                                  " vouches for the certificate");
    }
  }
  // A public API may have a certificate by other authorities than its clients.
  EXPECT_TRUE(
      TlsWatch::Open({.files = names, .use = TlsUse::kServer, .own_authority = false}).ok());
  // In a rotation the file holds both.
  files_.WriteCa(authority_.Pem() + other.Pem() + namesake.Pem());
  EXPECT_TRUE(TlsWatch::Open({.files = names, .use = TlsUse::kServer}).ok());
}

TEST_F(TlsCheckTest, DatesAreSaid) {
  const TlsFiles names = files_.files();
  files_.Write(authority_.Pem(), authority_.Issue({"state"}, -2h, -1h));
  EXPECT_THAT(Refusal(), MatchesRegex(names.cert_file + ": the certificate expired on "
                                                        "20..-..-.. ..:..:.. UTC"));
  EXPECT_THAT(Refusal(), HasSubstr(DateText(system_clock::now() - 1h).substr(0, 13)));
  files_.Write(authority_.Pem(), authority_.Issue({"state"}, 1h, 2h));
  EXPECT_THAT(Refusal(TlsUse::kServer),
              MatchesRegex(names.cert_file + ": the certificate is valid only from "
                                             "20..-..-.. ..:..:.. UTC on"));
}

// A server and a client with mutual TLS, both with files that rotate.
class TlsRotationTest : public ::testing::Test {
 protected:
  TlsRotationTest() {
    SetLogSink([this](std::string_view line) {
      const std::lock_guard lock(mutex_);
      log_ += line;
      log_ += '\n';
    });
    server_files_.Write(old_.Pem(), old_.Issue({"localhost"}));
    client_files_.Write(old_.Pem(), old_.Issue({"loader"}));
    server_ = *RpcServer::Start(
        {.tls = server_files_.files(), .own_authority = true, .metrics = &metrics_}, {});
    client_watch_ = *TlsWatch::Open(
        {.files = client_files_.files(), .use = TlsUse::kPeer, .metrics = &metrics_});
  }
  ~TlsRotationTest() override {
    server_.reset();
    client_watch_.reset();
    SetLogSink(nullptr);
  }
  std::string log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }
  // Over a connection of its own.
  bool Answers(std::shared_ptr<TlsWatch> watch = nullptr) {
    RpcChannelOptions options{.addresses = {"localhost:" + std::to_string(server_->port())},
                              .tls_watch = watch == nullptr ? client_watch_ : watch};
    return Answers(*MakeChannel(options));
  }
  static bool Answers(const std::shared_ptr<grpc::Channel>& channel) {
    grpc::ClientContext context;
    context.set_deadline(system_clock::now() + 5s);
    grpc::health::v1::HealthCheckResponse response;
    return grpc::health::v1::Health::NewStub(channel)->Check(&context, {}, &response).ok();
  }
  double Gauge(const std::string& use) {
    return metrics_.GetGauge("penstock_tls_certificate_expiry_timestamp_seconds", {use}).Value();
  }
  double Failures(const std::string& use) {
    return metrics_.GetCounter("penstock_tls_reload_failures_total", {use}).Value();
  }

  std::mutex mutex_;
  std::string log_;
  Authority old_{"Old"}, new_{"New"};
  Files server_files_{"tls-server"}, client_files_{"tls-client"};
  Metrics metrics_{MetricsOf(ServiceKind::kLoader)};
  std::unique_ptr<RpcServer> server_;
  std::shared_ptr<TlsWatch> client_watch_;
};

TEST_F(TlsRotationTest, BothSidesMoveToAnotherAuthorityWithoutARestart) {
  ASSERT_TRUE(Answers());
  const auto standing = *MakeChannel(
      {.addresses = {"localhost:" + std::to_string(server_->port())}, .tls_watch = client_watch_});
  ASSERT_TRUE(Answers(standing));
  // Both authorities, then new certificates, then the new authority alone; calls are made all
  // along.
  const std::string both = old_.Pem() + new_.Pem();
  const auto in_force = [&](const std::string& words, int times) {
    return WaitFor([&] {
      EXPECT_TRUE(Answers());
      const std::string text = log();
      int found = 0;
      for (size_t at = 0; (at = text.find(words, at)) != text.npos; ++at) ++found;
      return found >= times;
    });
  };
  server_files_.WriteCa(both);
  client_files_.WriteCa(both);
  ASSERT_TRUE(in_force("tls_files_read", 4));
  const auto client = new_.Issue({"loader"}, -1h, 48h);
  const auto server = new_.Issue({"localhost"}, -1h, 48h);
  // Whoever is newly issued is taken as soon as the other side knows the authority.
  Files probe("tls-probe");
  probe.Write(both, client);
  const std::shared_ptr<TlsWatch> probe_watch =
      *TlsWatch::Open({.files = probe.files(), .use = TlsUse::kPeer});
  ASSERT_TRUE(WaitFor([&] { return Answers(probe_watch); }));
  client_files_.Write(both, client);
  server_files_.Write(both, server);
  ASSERT_TRUE(in_force("tls_files_read", 6));
  Files last("tls-last");
  last.Write(new_.Pem(), client);
  const std::shared_ptr<TlsWatch> last_watch =
      *TlsWatch::Open({.files = last.files(), .use = TlsUse::kPeer});
  ASSERT_TRUE(WaitFor([&] { return Answers(last_watch); }));
  server_files_.WriteCa(new_.Pem());
  client_files_.WriteCa(new_.Pem());
  ASSERT_TRUE(in_force("tls_files_read", 8));
  EXPECT_NEAR(Gauge("server"),
              static_cast<double>(system_clock::to_time_t(system_clock::now() + 48h)), 120);
  EXPECT_NEAR(Gauge("peer"), Gauge("server"), 120);
  EXPECT_TRUE(Answers(standing));
  // The old authority's are strangers now.
  Files stranger("tls-stranger");
  stranger.Write(both, old_.Issue({"loader"}));
  const std::shared_ptr<TlsWatch> stranger_watch =
      *TlsWatch::Open({.files = stranger.files(), .use = TlsUse::kPeer});
  EXPECT_TRUE(WaitFor([&] { return !Answers(stranger_watch); }));
  EXPECT_EQ(Failures("server") + Failures("peer"), 0);
}

TEST_F(TlsRotationTest, WhatIsWrongAtAReloadStaysOutsideAndIsTold) {
  ASSERT_TRUE(Answers());
  const std::string key = server_files_.files().key_file;
  server_files_.Replace("key.pem", old_.Issue({"localhost"}).key);
  ASSERT_TRUE(WaitFor([&] { return Failures("server") == 1; }));
  EXPECT_THAT(log(), HasSubstr(R"("event":"tls_files_refused")"));
  EXPECT_THAT(log(), HasSubstr("what was read before stays in force: " + key +
                               ": is not the key of the certificate in"));
  // Longer than gRPC takes to look at its files.
  const auto until = std::chrono::steady_clock::now() + 2500ms;
  while (std::chrono::steady_clock::now() < until) EXPECT_TRUE(Answers());
  server_files_.Write(old_.Pem(), old_.Issue({"localhost"}, -2h, -1h));
  ASSERT_TRUE(WaitFor([&] { return Failures("server") == 2; }));
  EXPECT_THAT(log(), HasSubstr("the certificate expired on"));
  EXPECT_TRUE(Answers());
  client_files_.Write(old_.Pem(), new_.Issue({"loader"}));
  ASSERT_TRUE(WaitFor([&] { return Failures("peer") == 1; }));
  EXPECT_TRUE(Answers());
  server_files_.Write(old_.Pem(), old_.Issue({"localhost"}, -1h, 72h));
  EXPECT_TRUE(WaitFor([&] {
    return Gauge("server") >
           static_cast<double>(system_clock::to_time_t(system_clock::now() + 71h));
  }));
  EXPECT_TRUE(Answers());
  EXPECT_EQ(Failures("server"), 2);
}

TEST_F(TlsRotationTest, RefusedHandshakesAreCountedWithTheirReason) {
  const auto counted = [this] {
    metrics_.Expose();
    return metrics_.GetCounter("penstock_tls_handshakes_refused_total").Value();
  };
  double before = counted();
  ASSERT_TRUE(Answers());
  EXPECT_EQ(counted(), before) << "one that was not refused is not counted";
  // The server may tell of it after the client has its answer.
  const auto counts_more = [&] { return WaitFor([&] { return counted() > before; }); };
  Files stranger("tls-stranger");
  stranger.Write(old_.Pem() + new_.Pem(), new_.Issue({"loader"}));
  const std::shared_ptr<TlsWatch> with_other =
      *TlsWatch::Open({.files = stranger.files(), .use = TlsUse::kPeer});
  EXPECT_FALSE(Answers(with_other));
  EXPECT_TRUE(counts_more());
  EXPECT_THAT(log(), HasSubstr(R"("event":"tls_handshake_refused")"));
  EXPECT_THAT(log(), HasSubstr(R"("reason":"certificate verify failed")"));
  before = counted();
  const std::shared_ptr<TlsWatch> without =
      *TlsWatch::Open({.files = {.ca_file = client_files_.files().ca_file}, .use = TlsUse::kPeer});
  EXPECT_FALSE(Answers(without));
  EXPECT_TRUE(counts_more());
  before = counted();
  EXPECT_FALSE(
      Answers(*MakeChannel({.addresses = {"localhost:" + std::to_string(server_->port())}})));
  EXPECT_TRUE(counts_more());
  EXPECT_TRUE(Answers());
}

}  // namespace
}  // namespace penstock
