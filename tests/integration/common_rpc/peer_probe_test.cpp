#include "services/common/rpc/peer_probe.h"

#include <gmock/gmock.h>
#include <grpcpp/channel.h>

#include <csignal>
#include <mutex>

#include "fmt/format.h"
#include "services/common/core/status.h"
#include "services/common/obs/log.h"
#include "services/common/rpc/rpc_channel.h"
#include "services/common/rpc/rpc_server.h"
#include "services/common/testing/child_process.h"
#include "services/common/testing/free_port.h"
#include "services/common/testing/tcp_gate.h"
#include "services/common/testing/temp_dir.h"
#include "services/common/testing/wait_for.h"
#include "tests/support/tls/authority.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using ::penstock::test::Authority;
using ::penstock::testing::ChildProcess;
using ::penstock::testing::FreePort;
using ::penstock::testing::TempDir;
using ::penstock::testing::WaitFor;
using ::penstock::testing::WriteFile;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

class PeerProbeTest : public ::testing::Test {
 protected:
  PeerProbeTest() { std::signal(SIGPIPE, SIG_IGN); }  // as every service does
  TlsFiles Files(const std::string& name, const std::string& ca, const Authority::Pair& pair) {
    TlsFiles files{.ca_file = dir_ / (name + "-ca.pem"),
                   .cert_file = dir_ / (name + ".pem"),
                   .key_file = dir_ / (name + ".key")};
    WriteFile(files.ca_file, ca);
    WriteFile(files.cert_file, pair.cert);
    WriteFile(files.key_file, pair.key);
    return files;
  }
  // A server that would not start with such a certificate, so it is another's.
  uint16_t ServeBy(const Authority::Pair& pair) {
    const TlsFiles files = Files("other", authority_.Pem(), pair);
    const uint16_t port = FreePort();
    other_ = std::make_unique<ChildProcess>(ChildProcess::Options{
        .args = {"openssl", "s_server", "-accept", fmt::format("127.0.0.1:{}", port), "-cert",
                 files.cert_file, "-key", files.key_file, "-quiet"}});
    EXPECT_TRUE(WaitFor(
        [&] { return ProbePeer({.address = At(port)}, 1s).find("refused") == std::string::npos; }));
    return port;
  }
  static std::string At(uint16_t port) { return fmt::format("127.0.0.1:{}", port); }
  std::string Probe(uint16_t port, const TlsFiles& tls = {}, const std::string& name = {}) {
    const std::string reason = ProbePeer({.address = At(port), .tls = tls, .tls_name = name}, 1s);
    const std::string prefix = At(port) + ": ";
    return reason.starts_with(prefix) ? reason.substr(prefix.size()) : reason;
  }

  TempDir dir_{"peer-probe"};
  Authority authority_;
  TlsFiles own_ = Files("own", authority_.Pem(), authority_.Issue({"loader"}));
  std::unique_ptr<ChildProcess> other_;
};

TEST_F(PeerProbeTest, NothingIsWrongWithWhatAnswers) {
  const auto plain = *RpcServer::Start({}, {});
  EXPECT_EQ(Probe(plain->port()), "");
  const auto mutual = *RpcServer::Start(
      {.tls = Files("state", authority_.Pem(), authority_.Issue({"127.0.0.1", "state"}))}, {});
  EXPECT_EQ(Probe(mutual->port(), own_), "");
  EXPECT_EQ(Probe(mutual->port(), own_, "state"), "");
}

TEST_F(PeerProbeTest, SaysWhatIsNotThere) {
  EXPECT_EQ(Probe(FreePort()), "can't be reached: Connection refused");
  EXPECT_THAT(ProbePeer({.address = "no-such-host.invalid:7071"}, 1s),
              HasSubstr("no-such-host.invalid:7071: the name can't be resolved"));
  const auto silent = *RpcServer::Start({}, {});
  testing::TcpGate gate(silent->port());
  gate.Stall();
  EXPECT_EQ(Probe(gate.port()), "it does not answer");
}

TEST_F(PeerProbeTest, SaysWhichSideSpeaksNoTls) {
  const auto plain = *RpcServer::Start({}, {});
  EXPECT_EQ(Probe(plain->port(), own_), "it does not speak TLS, which --peer-tls-ca-file asks for");
  const auto mutual = *RpcServer::Start(
      {.tls = Files("state", authority_.Pem(), authority_.Issue({"127.0.0.1"}))}, {});
  EXPECT_EQ(Probe(mutual->port()),
            "it ends a connection in plain text, as a server of TLS does; give --peer-tls-ca-file");
}

TEST_F(PeerProbeTest, SaysWhatIsWrongWithTheServersCertificate) {
  EXPECT_THAT(Probe(ServeBy(authority_.Issue({"127.0.0.1"}, -2h, -1h)), own_),
              MatchesRegex("its certificate expired on 20..-..-.. ..:..:.. UTC"));
  EXPECT_THAT(Probe(ServeBy(authority_.Issue({"127.0.0.1"}, 1h, 2h)), own_),
              MatchesRegex("its certificate is valid only from 20..-..-.. ..:..:.. UTC"));
  EXPECT_EQ(Probe(ServeBy(authority_.Issue({"penstock-state", "state"})), own_),
            "its certificate is for penstock-state, state, not for 127.0.0.1; call it by a name of "
            "these, or give the one to expect with --…-tls-name");
  const Authority others("Other");
  EXPECT_EQ(Probe(ServeBy(others.Issue({"127.0.0.1"})), own_),
            "its certificate is of an authority that " + own_.ca_file + " does not hold");
}

TEST_F(PeerProbeTest, SaysThatItsOwnCertificateIsRefusedOrMissing) {
  const auto mutual = *RpcServer::Start(
      {.tls = Files("state", authority_.Pem(), authority_.Issue({"127.0.0.1"}))}, {});
  const Authority others("Other");
  const TlsFiles stranger = Files("stranger", authority_.Pem(), others.Issue({"loader"}));
  EXPECT_THAT(Probe(mutual->port(), stranger),
              StartsWith("it refuses this service's certificate, " + stranger.cert_file));
  EXPECT_THAT(Probe(mutual->port(), {.ca_file = own_.ca_file}),
              StartsWith("it wants a certificate"));
}

TEST_F(PeerProbeTest, AChannelThatStaysDownIsExplainedUntilItIsUpAgain) {
  std::mutex mutex;
  std::string log;
  SetLogSink([&](std::string_view line) {
    const std::lock_guard lock(mutex);
    log += line;
  });
  const uint16_t port = FreePort();
  const auto channel = *MakeChannel({.addresses = {At(port)}});
  {
    const PeerProbe probe(channel, {.service = "state", .addresses = {At(port)}, .after = 300ms});
    const absl::Status error = Error(ErrorCode::kSTATE_UNAVAILABLE, "state does not answer");
    EXPECT_EQ(probe.Explain(error).message(), "state does not answer");
    channel->GetState(/*try_to_connect=*/true);
    ASSERT_TRUE(WaitFor([&] { return probe.Explain(error) != error; }));
    EXPECT_EQ(probe.Explain(error).message(), At(port) + ": can't be reached: Connection refused");
    EXPECT_EQ(CodeOf(probe.Explain(error)), ErrorCode::kSTATE_UNAVAILABLE);
    EXPECT_TRUE(probe.Explain(absl::OkStatus()).ok());
    const auto server = *RpcServer::Start({.listen = At(port)}, {});
    EXPECT_TRUE(WaitFor([&] { return probe.Explain(error) == error; }));
  }
  SetLogSink(nullptr);
  EXPECT_THAT(log, HasSubstr(R"("event":"peer_unreachable")"));
  EXPECT_THAT(log, HasSubstr(R"("service":"state")"));
  const size_t first = log.find("peer_unreachable");
  EXPECT_EQ(log.find("peer_unreachable", first + 1), log.npos);  // not more often than every 30 s
}

}  // namespace
}  // namespace penstock
