#include "services/common/config/service_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "services/common/config/service_settings.h"
#include "services/common/core/status.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

struct Settings {
  std::string listen = "127.0.0.1:7070";
  Secret redis_url{"redis://localhost"};
  ByteSize backlog{64'000'000};
  Duration lease = 30s;
  int threads = 2;
  double share = 0.5;
  bool insecure = false;
  std::vector<std::string> state;
  std::string level = "info";
};

class ServiceConfigTest : public ::testing::Test {
 protected:
  ServiceConfigTest() {
    config_.Add("listen", &settings_.listen, "Address.");
    config_.Add("redis-url", &settings_.redis_url, "Redis.");
    config_.Add("backlog-bytes", &settings_.backlog, "Backlog.");
    config_.Add("lease", &settings_.lease, "Lease.");
    config_.Add("threads", &settings_.threads, "Threads.");
    config_.Add("share", &settings_.share, "Share.");
    config_.Add("insecure", &settings_.insecure, "No TLS.");
    config_.Add("state", &settings_.state, "State.");
    config_.Add("log-level", &settings_.level, "Level.");
    config_.Choices("log-level", {"debug", "info"});
  }
  ~ServiceConfigTest() override { std::filesystem::remove(file_); }

  void File(std::string_view content) { std::ofstream(file_) << content; }
  absl::StatusOr<ServiceConfig::Outcome> Load(std::vector<std::string> args,
                                              const ServiceConfig::Environment& environment = {}) {
    if (std::filesystem::exists(file_)) args.push_back("--config=" + file_);
    return config_.Load(args, environment);
  }
  std::string Refusal(std::vector<std::string> args,
                      const ServiceConfig::Environment& environment = {}) {
    absl::Status status = Load(std::move(args), environment).status();
    EXPECT_EQ(CodeOf(status), ErrorCode::kINVALID_CONFIGURATION) << status;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("\n")));
    return std::string(status.message());
  }

  Settings settings_;
  ServiceConfig config_{"penstock-test", "Tests."};
  std::string file_ = (std::filesystem::temp_directory_path() /
                       ("penstock-config-" + std::to_string(getpid()) + ".yaml"))
                          .string();
};

TEST_F(ServiceConfigTest, AFlagBeatsTheEnvironmentWhichBeatsTheFileWhichBeatsTheDefault) {
  File("lease: 1s\nthreads: 3\nshare: 0.25\n");
  ASSERT_TRUE(Load({"--lease=3s"}, {{"PENSTOCK_LEASE", "2s"}, {"PENSTOCK_THREADS", "4"}}).ok());
  EXPECT_EQ(settings_.lease, 3s);
  EXPECT_EQ(settings_.threads, 4);
  EXPECT_EQ(settings_.share, 0.25);
  EXPECT_EQ(settings_.listen, "127.0.0.1:7070");
}

TEST_F(ServiceConfigTest, ReadsEveryTypeFromEverySource) {
  File("backlog_bytes: 256kB\nstate: [\"a:1\", \"b:2\"]\ninsecure: true\n");
  ASSERT_TRUE(Load({"--redis-url", "redis://:pw@r", "--log-level=debug"}).ok());
  EXPECT_EQ(settings_.backlog.bytes, 256'000u);
  EXPECT_THAT(settings_.state, ElementsAre("a:1", "b:2"));
  EXPECT_TRUE(settings_.insecure);
  EXPECT_EQ(settings_.redis_url.Reveal(), "redis://:pw@r");
  EXPECT_EQ(settings_.level, "debug");
  std::filesystem::remove(file_);
  ASSERT_TRUE(Load({"--insecure=false"}, {{"PENSTOCK_STATE", "c:3, d:4"}}).ok());
  EXPECT_FALSE(settings_.insecure);
  EXPECT_THAT(settings_.state, ElementsAre("c:3", "d:4"));
  ASSERT_TRUE(Load({"--insecure"}).ok());
  EXPECT_TRUE(settings_.insecure);
}

TEST_F(ServiceConfigTest, AnUnknownNameIsRefusedWithTheNearestOne) {
  EXPECT_EQ(Refusal({"--lisen=x"}), "unknown flag \"--lisen\" (did you mean \"--listen\"?)");
  File("threads: 1\nredis_ulr: x\n");
  EXPECT_EQ(Refusal({}), file_ + ":2: unknown field \"redis_ulr\" (did you mean \"redis_url\"?)");
  File("redis-url: x\n");
  EXPECT_EQ(Refusal({}), file_ + ":1: unknown field \"redis-url\" (did you mean \"redis_url\"?)");
}

TEST_F(ServiceConfigTest, ABadValueNamesFieldSourceAndTheRightForm) {
  EXPECT_EQ(Refusal({"--threads=many"}), "flag --threads: \"many\" is not a whole number");
  EXPECT_THAT(Refusal({}, {{"PENSTOCK_LEASE", "soon"}}),
              HasSubstr("environment variable PENSTOCK_LEASE: \"soon\" is no duration; write"));
  EXPECT_EQ(Refusal({"--log-level=loud"}), "flag --log-level: \"loud\" is not one of debug, info");
  EXPECT_EQ(Refusal({"--lease"}), "flag --lease: the value is missing (duration)");
  EXPECT_THAT(Refusal({"serve"}), HasSubstr("unexpected argument \"serve\""));
  File("\nbacklog_bytes: lots\n");
  EXPECT_THAT(Refusal({}), HasSubstr(file_ + ":2: backlog_bytes: \"lots\" is no size"));
}

TEST_F(ServiceConfigTest, AFileThatIsNoFlatMappingIsRefusedByLine) {
  File("lease: 1s\nlease: 2s\n");
  EXPECT_EQ(Refusal({}), file_ + ":2: field \"lease\" is given twice");
  File("lease: {a: 1}\n");
  EXPECT_THAT(Refusal({}), HasSubstr(":1: lease: a value or a list belongs here"));
  File("insecure: no\n");
  EXPECT_THAT(Refusal({}), HasSubstr("\"no\" is not true or false"));
  File("lease: [1s, 2s]\n");
  EXPECT_THAT(Refusal({}), HasSubstr("a list where one value belongs"));
  File("- a\n");
  EXPECT_THAT(Refusal({}), HasSubstr("not a mapping"));
  File("a: [\n");
  EXPECT_THAT(Refusal({}), HasSubstr(file_ + ":"));
  File("");
  EXPECT_TRUE(Load({}).ok());
  std::filesystem::remove(file_);
  EXPECT_EQ(Refusal({"--config=/no/such/file"}), "/no/such/file: can't be read");
}

TEST_F(ServiceConfigTest, TheEnvironmentMayHoldWhatBelongsToOthers) {
  auto outcome = Load({}, {{"PENSTOCK_STATE_SERVICE_HOST", "10.0.0.1"},
                           {"PENSTOCK_SECRET_CRM", "x"},
                           {"PENSTOCK_THRAEDS", "3"}});
  ASSERT_TRUE(outcome.ok());
  EXPECT_THAT(outcome->warnings,
              ElementsAre("environment variable PENSTOCK_THRAEDS is ignored (did you mean "
                          "\"PENSTOCK_THREADS\"?)"));
}

TEST_F(ServiceConfigTest, HelpShowsDefaultsButNoSecrets) {
  auto outcome = Load({"--help"});
  ASSERT_TRUE(outcome.ok());
  EXPECT_FALSE(outcome->run);
  EXPECT_THAT(outcome->text, HasSubstr("--backlog-bytes=size\n      Backlog. Default: 64MB."));
  EXPECT_THAT(outcome->text, HasSubstr("One of debug, info. Default: info."));
  EXPECT_THAT(outcome->text, Not(HasSubstr("localhost")));
  EXPECT_THAT(Load({"--version"})->text,
              ::testing::MatchesRegex("penstock-test [0-9.]+ \\(revision [0-9a-z]+\\)\n"));
}

TEST_F(ServiceConfigTest, ACallThatWaitsReadsNoOtherConfiguration) {
  auto outcome = Load({"--wait=3s", "--threads=many"}, {{"PENSTOCK_LEASE", "soon"}});
  ASSERT_TRUE(outcome.ok());
  EXPECT_FALSE(outcome->run);
  EXPECT_EQ(outcome->wait, 3s);
  EXPECT_EQ(Load({"--wait", "250ms"})->wait, 250ms);
  EXPECT_EQ(Load({})->wait, 0s);
  EXPECT_EQ(Refusal({"--wait"}), "flag --wait: the value is missing (duration)");
  EXPECT_THAT(Refusal({"--wait=soon"}), HasSubstr("flag --wait: \"soon\" is no duration"));
  File("wait: 1s\n");
  EXPECT_THAT(Refusal({}), HasSubstr("unknown field \"wait\""));
  EXPECT_THAT(config_.Help(), HasSubstr("--wait=duration"));
}

TEST(ServiceSettings, OneServiceMayTakeEveryGroup) {
  ServiceConfig config("penstock-all", "All groups.");
  ProcessSettings process;
  ServeSettings serve;
  PeerTlsSettings peer_tls;
  StateSettings state;
  RedisSettings redis;
  LeaseSettings lease;
  process.AddTo(config);
  serve.AddTo(config);
  peer_tls.AddTo(config);
  state.AddTo(config);
  redis.AddTo(config);
  lease.AddTo(config);
  std::vector<std::string> args = {"--lease=1s", "--heartbeat=300ms", "--grant-margin=300ms"};
  ASSERT_TRUE(config.Load(args, {}).ok());
  EXPECT_EQ(lease.grant_margin, 300ms);
}

}  // namespace
}  // namespace penstock
