#include <gmock/gmock.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <thread>

#include "services/common/rpc/rpc_channel.h"
#include "services/common/rpc/rpc_server.h"
#include "services/common/testing/child_process.h"
#include "services/common/testing/free_port.h"
#include "services/common/testing/postgres_server.h"
#include "services/common/testing/temp_dir.h"
#include "services/planner/app/resource_service.h"
#include "tests/integration/cli/worker_stand_ins.h"

namespace penstock::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kConnections = R"(apiVersion: penstock.dev/v1
kind: Source
metadata: {name: warehouse}
spec: {connector: postgres, config: {host: 127.0.0.1, database: wh, user: u}}
---
apiVersion: penstock.dev/v1
kind: Destination
metadata: {name: crm}
spec: {connector: hubspot, config: {access_token: "${secret:t}"}}
---
apiVersion: penstock.dev/v1
kind: Model
metadata: {name: customers}
spec: {source: warehouse, table: customers, primary_key: [id]}
)";

std::string SyncYaml(std::string_view changes = "", std::string_view destination = "crm",
                     std::string_view mode = "mirror") {
  return "apiVersion: penstock.dev/v1\nkind: Sync\nmetadata: {name: to-crm}\nspec:\n  model: "
         "customers\n  destination: " +
         std::string(destination) + "\n  object: contacts\n  mode: " + std::string(mode) +
         "\n  identity: [email]\n  mapping:\n    email: email\n    plan: plan\n" +
         std::string(changes);
}

// The real command line and state, and the planner's resource service, between workers of which the
// test says what they find.
class ApplyTest : public ::testing::Test {
 protected:
  ApplyTest() {
    postgres_.CreateDatabase("penstock");
    state_port_ = FreePort();
    state_ = std::make_unique<ChildProcess>(ChildProcess::Options{
        .args = {Program("penstock-state"), "--listen", Loopback(state_port_), "--admin-listen",
                 "127.0.0.1:0", "--database", postgres_.Dsn("penstock")},
        .out = dir_ / "state.log"});
    grpc::Service* const workers[] = {&extractor_, &loader_};
    workers_ = RpcServer::Start({}, workers).value();
    workers_->SetServing(true);
    Serve(workers_->port());
    const auto state = MakeChannel({.addresses = {Loopback(state_port_)}}).value();
    EXPECT_TRUE(
        state->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(30)))
        << ReadFile(dir_ / "state.log");
    planning_ = internal::v1::PlanningService::NewStub(state);
    WriteFile(dir_ / "connections.yaml", kConnections);
    WriteFile(dir_ / "sync.yaml", SyncYaml());
  }
  ~ApplyTest() override {
    server_->Shutdown(std::chrono::seconds(5));
    work_.reset();
    thread_.join();
  }

  static std::string Program(const std::string& name) {
    return std::string(PENSTOCK_BIN) + "/" + name;
  }
  static std::string Loopback(uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

  void Serve(uint16_t worker_port) {
    const auto channel = [](uint16_t port) {
      return MakeChannel({.addresses = {Loopback(port)}}).value();
    };
    peers_ = std::make_unique<planner::ResourcePeers>(channel(state_port_), channel(worker_port),
                                                      channel(worker_port), std::chrono::seconds(2),
                                                      metrics_);
    resources_ =
        std::make_unique<planner::ResourceService>(planner::ApiAccess{io_.get_executor()}, *peers_);
    grpc::Service* const services[] = {resources_.get()};
    server_ = RpcServer::Start({}, services).value();
    server_->SetServing(true);
  }

  struct Result {
    int code;
    std::string out;
    std::string err;
  };
  Result Run(std::vector<std::string> args) {
    args.insert(args.begin(), Program("penstock"));
    args.insert(args.end(), {"--server", Loopback(server_->port())});
    WriteFile(dir_ / "out", "");
    WriteFile(dir_ / "err", "");
    const int code = RunProgram({.args = args, .out = dir_ / "out", .err = dir_ / "err"});
    return {code, ReadFile(dir_ / "out"), ReadFile(dir_ / "err")};
  }
  Result Apply(std::vector<std::string> more = {}) {
    std::vector<std::string> args = {"apply", "-f", dir_ / "connections.yaml", "-f",
                                     dir_ / "sync.yaml"};
    args.insert(args.end(), more.begin(), more.end());
    return Run(args);
  }
  // As after runs that delivered: their fingerprint is known, and a run is there.
  void Deliver() {
    internal::v1::CreateRunRequest request;
    request.set_sync("to-crm");
    request.set_type(v1::RUN_TYPE_SYNC);
    grpc::ClientContext create;
    internal::v1::CreateRunResponse created;
    ASSERT_TRUE(planning_->CreateRun(&create, request, &created).ok());
    if (created.facts().run().state() == v1::RUN_STATE_QUEUED) {
      internal::v1::TransitionRequest start;
      start.set_run_id(created.facts().run().id());
      start.set_event(internal::v1::RUN_EVENT_START);
      grpc::ClientContext move;
      internal::v1::TransitionResponse moved;
      ASSERT_TRUE(planning_->Transition(&move, start, &moved).ok());
    }
    const auto fingerprint = static_cast<int64_t>(HashBytes64("text/email"));
    postgres_.Sql("UPDATE snapshots SET identity_fingerprint = " + std::to_string(fingerprint),
                  "penstock");
  }

  TempDir dir_{"apply"};
  PostgresServer postgres_;
  uint16_t state_port_ = 0;
  std::unique_ptr<ChildProcess> state_;
  ExtractorStandIn extractor_;
  LoaderStandIn loader_;
  std::unique_ptr<RpcServer> workers_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ =
      boost::asio::make_work_guard(io_);
  Metrics metrics_{MetricsOf(ServiceKind::kPlanner)};
  std::unique_ptr<planner::ResourcePeers> peers_;
  std::unique_ptr<planner::ResourceService> resources_;
  std::unique_ptr<RpcServer> server_;
  std::unique_ptr<internal::v1::PlanningService::Stub> planning_;
  std::thread thread_{[this] { io_.run(); }};
};

TEST_F(ApplyTest, StoresResourcesOnceAndShowsThemAsTheyWereWritten) {
  Result applied = Apply();
  EXPECT_EQ(applied.code, 0) << applied.err;
  EXPECT_EQ(applied.out,
            "Source/warehouse created\nDestination/crm created\nModel/customers created\n"
            "Sync/to-crm created\n");
  const int asked = extractor_.asked();
  applied = Apply();
  EXPECT_EQ(applied.code, 0) << applied.err;
  EXPECT_THAT(applied.out, HasSubstr("Sync/to-crm unchanged"));
  EXPECT_EQ(extractor_.asked(), asked);  // nothing changed, so nobody is bothered
  const Result got = Run({"get", "sync", "to-crm", "-o", "yaml"});
  EXPECT_THAT(got.out, HasSubstr("mode: mirror"));
  WriteFile(dir_ / "sync.yaml", got.out);
  EXPECT_THAT(Apply().out, HasSubstr("Sync/to-crm unchanged"));
  EXPECT_THAT(Run({"get", "connectors", "-o", "name"}).out, HasSubstr("Connector/hubspot"));
}

TEST_F(ApplyTest, DiffTellsFieldByFieldWhatApplyWouldChange) {
  const auto diff = [&](std::vector<std::string> more = {}) {
    std::vector<std::string> args = {
        "diff", "-f", dir_ / "connections.yaml", "-f", dir_ / "sync.yaml", "--detailed-exitcode"};
    args.insert(args.end(), more.begin(), more.end());
    return Run(args);
  };
  Result shown = diff();
  EXPECT_EQ(shown.code, 5) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("Model/customers created\n  + spec.source: warehouse\n"));
  EXPECT_EQ(Run({"get", "models", "-o", "name"}).out, "");
  ASSERT_EQ(Apply().code, 0);
  shown = diff();
  EXPECT_EQ(shown.code, 0);
  EXPECT_EQ(shown.out, "nothing changes\n");
  std::string yaml = SyncYaml("    phone: {from: phone, on_null: omit}\n  shared: true\n");
  yaml.replace(yaml.find("plan: plan"), 10, "plan: {from: plan, transform: [trim, {round: 2}]}");
  yaml.replace(yaml.find("    email: email\n"), 17, "    email: mail\n");
  WriteFile(dir_ / "sync.yaml", yaml);
  shown = diff();
  EXPECT_EQ(shown.code, 5) << shown.err;
  EXPECT_EQ(shown.out,
            "Sync/to-crm updated\n"
            "  ~ spec.mapping.email: email -> mail\n"
            "  ~ spec.mapping.plan: plan -> {from: plan, transform: [trim, {round: 2}]}\n"
            "  + spec.mapping.phone: {from: phone, on_null: omit}\n"
            "  + spec.shared: true\n");
  EXPECT_EQ(diff({"-o", "name"}).out, "Sync/to-crm\n");
  EXPECT_THAT(diff({"-o", "json"}).out, HasSubstr(R"("path": "spec.shared",
        "from": "",
        "to": "true")"));
  EXPECT_THAT(Run({"get", "sync", "to-crm", "-o", "yaml"}).out, Not(HasSubstr("shared")));
  WriteFile(dir_ / "sync.yaml", SyncYaml("    phone: 5\n"));
  EXPECT_EQ(diff().code, 2);
}

TEST_F(ApplyTest, ListsAreOneJsonDocumentAndOneResourceIsAnObject) {
  ASSERT_EQ(Apply().code, 0);
  const auto starts = [&](std::vector<std::string> args) {
    args.insert(args.end(), {"-o", "json"});
    const Result got = Run(args);
    EXPECT_EQ(got.code, 0) << got.err;
    return boost::json::parse(got.out);
  };
  EXPECT_EQ(starts({"get", "syncs"}).as_array().size(), 1u);
  EXPECT_EQ(starts({"get", "syncs", "-l", "team=none"}).as_array().size(), 0u);
  EXPECT_EQ(starts({"get", "sync", "to-crm"}).at("metadata").at("name"), "to-crm");
  const boost::json::value listed = starts({"connectors"});
  std::vector<std::string> connectors;
  for (const auto& one : listed.as_array())
    connectors.emplace_back(one.at("metadata").at("name").as_string());
  EXPECT_THAT(connectors, ElementsAre("http", "hubspot", "postgres"));
  EXPECT_EQ(starts({"connectors", "http"}).at("kind"), "Connector");
  EXPECT_EQ(starts({"get", "sync", "to-crm", "--defaults"}).at("spec").at("on_removed"), "delete");
  EXPECT_EQ(starts({"get", "sync", "to-crm"}).at("spec").as_object().count("on_removed"), 0u);
}

TEST_F(ApplyTest, DeletesWhatHasALabelAndNothingUnnamed) {
  std::string labelled = SyncYaml();
  labelled.replace(labelled.find("{name: to-crm}"), 14, "{name: to-crm, labels: {team: growth}}");
  WriteFile(dir_ / "sync.yaml", labelled);
  ASSERT_EQ(Apply().code, 0);
  const Result unnamed = Run({"delete", "sync", "--yes"});
  EXPECT_EQ(unnamed.code, 2);
  EXPECT_EQ(unnamed.err, "penstock: name the Sync to delete, or select by -l label=value\n");
  EXPECT_EQ(Run({"delete", "sync", "-l", "team=other", "--yes"}).code, 1);
  EXPECT_EQ(Run({"delete", "sync", "-l", "team=growth", "--yes"}).out, "Sync/to-crm deleted\n");
}

TEST_F(ApplyTest, TakesTenThousandResourcesInOneApply) {
  std::string models;
  for (int i = 0; i < 10'000; ++i)
    models += "---\napiVersion: penstock.dev/v1\nkind: Model\nmetadata: {name: m" +
              std::to_string(i) + "}\nspec: {source: warehouse, table: t, primary_key: [id]}\n";
  WriteFile(dir_ / "models.yaml", models);
  const Result applied = Apply({"-f", dir_ / "models.yaml"});
  EXPECT_EQ(applied.code, 0) << applied.err;
  EXPECT_THAT(applied.out, HasSubstr("Model/m9999 created"));
  EXPECT_THAT(Apply({"-f", dir_ / "models.yaml"}).out, HasSubstr("Model/m9999 unchanged"));
  EXPECT_THAT(Run({"get", "models", "-o", "name"}).out, HasSubstr("Model/m9999"));
}

TEST_F(ApplyTest, AContextSaysHowItsServerIsReached) {
  std::filesystem::create_directory(dir_ / "penstock");
  const auto version = [&](std::string_view config, std::vector<std::string> more = {}) {
    WriteFile(dir_ / "penstock/config.yaml", config);
    std::vector<std::string> args = {Program("penstock"), "version"};
    args.insert(args.end(), more.begin(), more.end());
    const int code = RunProgram({.args = args,
                                 .env = {"XDG_CONFIG_HOME=" + dir_.path().string()},
                                 .out = dir_ / "out",
                                 .err = dir_ / "out"});
    return Result{code, ReadFile(dir_ / "out"), ""};
  };
  const std::string address = Loopback(server_->port());
  const std::string config = "current: here\ncontexts:\n  here: {server: \"" + address +
                             "\"}\n  there: {server: \"127.0.0.1:1\", token_file: token}\n";
  EXPECT_THAT(version(config).out, HasSubstr(" at " + address));
  EXPECT_THAT(version(config, {"--server", "127.0.0.1:2"}).out, HasSubstr(" at 127.0.0.1:2"));
  // The file is found beside the configuration; it is not there.
  const Result there = version(config, {"--context", "there"});
  EXPECT_EQ(there.code, 2);
  EXPECT_THAT(there.out, HasSubstr(dir_ / "penstock/token: can't be read"));
  EXPECT_THAT(version(config, {"--context", "her"}).out,
              HasSubstr("config.yaml: there is no context \"her\" (did you mean \"here\"?)"));
  EXPECT_THAT(version("contexts: {a: {sever: x}}\n").out,
              HasSubstr("config.yaml:1: unknown field \"sever\" (did you mean \"server\"?)"));
  EXPECT_THAT(version("contexts: {a: {server: 7}}\n").out,
              HasSubstr("config.yaml:1: contexts.a.server: must be text; write \"7\" in quotes"));
}

TEST_F(ApplyTest, TellsWhatTheWarehouseLacksByFileAndLineAndStoresNothing) {
  extractor_.Lose("plan");
  const Result applied = Apply();
  EXPECT_EQ(applied.code, 2);
  EXPECT_THAT(applied.err,
              HasSubstr("sync.yaml:12: spec.mapping.plan.from: the model has no column \"plan\""));
  EXPECT_EQ(Run({"get", "models", "-o", "name"}).out, "");
}

TEST_F(ApplyTest, RefusesToChangeTheIdentityOfDeliveredRows) {
  ASSERT_EQ(Apply().code, 0);
  Deliver();
  extractor_.TurnIdentityInto("int8");
  WriteFile(dir_ / "sync.yaml", SyncYaml("    phone: phone\n"));
  const Result applied = Apply({"--yes"});
  EXPECT_EQ(applied.code, 2);
  EXPECT_THAT(applied.err, HasSubstr("sync.yaml:9: spec.identity: can't change: the delivered rows "
                                     "are known by an identity of other fields"));
  EXPECT_THAT(applied.err, HasSubstr("take a new name for the Sync"));
}

TEST_F(ApplyTest, RefusesToRemoveAfterDeliveringWithoutIdentities) {
  WriteFile(dir_ / "sync.yaml", SyncYaml("", "crm", "upsert"));
  ASSERT_EQ(Apply().code, 0);
  Deliver();
  WriteFile(dir_ / "sync.yaml", SyncYaml());
  const Result applied = Apply({"--yes"});
  EXPECT_EQ(applied.code, 2);
  EXPECT_THAT(applied.err, HasSubstr("sync.yaml:8: spec.mode: can't change: it has delivered "
                                     "without keeping what removing needs"));
}

TEST_F(ApplyTest, LetsASyncThatNeverRanBecomeOneThatRemoves) {
  WriteFile(dir_ / "sync.yaml", SyncYaml("", "crm", "upsert"));
  ASSERT_EQ(Apply().code, 0);
  WriteFile(dir_ / "sync.yaml", SyncYaml());
  EXPECT_EQ(Apply().code, 0);
  EXPECT_EQ(postgres_.Sql("SELECT keeps_identity FROM snapshots", "penstock"), "t");
}

TEST_F(ApplyTest, TakesARenamedDestinationForTheSameTarget) {
  ASSERT_EQ(Apply().code, 0);
  Deliver();
  std::string connections(kConnections);
  connections.replace(connections.find("{name: crm}"), 11, "{name: crm-eu, renamed_from: crm}");
  WriteFile(dir_ / "connections.yaml", connections);
  WriteFile(dir_ / "sync.yaml", SyncYaml("", "crm-eu"));
  Result applied = Apply();
  EXPECT_EQ(applied.code, 0) << applied.err;
  EXPECT_THAT(applied.out, HasSubstr("Destination/crm-eu renamed"));
  applied = Apply();  // renamed_from stays in the file
  EXPECT_EQ(applied.code, 0) << applied.err;
  EXPECT_THAT(applied.out, HasSubstr("Destination/crm-eu unchanged"));
  EXPECT_EQ(postgres_.Sql("SELECT count(*) FROM snapshots", "penstock"), "1");
}

TEST_F(ApplyTest, RefusesAnotherDestinationForDeliveredRows) {
  ASSERT_EQ(Apply().code, 0);
  Deliver();
  std::string connections(kConnections);
  connections +=
      "---\napiVersion: penstock.dev/v1\nkind: Destination\nmetadata: {name: other}\n"
      "spec: {connector: hubspot, config: {access_token: t}}\n";
  WriteFile(dir_ / "connections.yaml", connections);
  WriteFile(dir_ / "sync.yaml", SyncYaml("", "other"));
  const Result applied = Apply({"--yes"});
  EXPECT_EQ(applied.code, 2);
  EXPECT_THAT(
      applied.err,
      HasSubstr("sync.yaml:6: spec.destination: can't change: it has delivered to \"crm\""));
}

TEST_F(ApplyTest, TellsHundredsOfMistakesAtOnce) {
  extractor_.Lose("plan");
  std::string syncs;
  for (int i = 0; i < 300; ++i) {
    std::string sync = SyncYaml("", "crm", "upsert");
    syncs += "---\n" + sync.replace(sync.find("to-crm"), 6, "to-crm-" + std::to_string(i));
  }
  WriteFile(dir_ / "sync.yaml", syncs);
  const Result applied = Apply();
  EXPECT_EQ(applied.code, 2);
  EXPECT_THAT(applied.err, HasSubstr("300 errors found; nothing was changed"));
}

// Models by SQL of so many bytes, one a file.
void WriteModels(const std::filesystem::path& folder, int models, size_t bytes) {
  std::filesystem::create_directory(folder);
  for (int i = 0; i < models; ++i) {
    const std::string name = "m" + std::to_string(i);
    WriteFile(folder / (name + ".yaml"),
              "apiVersion: penstock.dev/v1\nkind: Model\nmetadata: {name: " + name +
                  "}\nspec: {source: warehouse, primary_key: [id], sql: \"SELECT 1 AS id -- " +
                  std::string(bytes, 'x') + "\"}\n");
  }
}

TEST_F(ApplyTest, TakesAndListsMoreThanFitsIntoOneAnswer) {
  WriteModels(dir_ / "models", 40, 250'000);
  const std::vector<std::string> all = {"-f", dir_ / "models"};
  ASSERT_EQ(Apply(all).code, 0);
  // The planner has to list what is stored: ten megabytes.
  const Result again = Apply(all);
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("Model/m39 unchanged"));
  EXPECT_THAT(Run({"get", "models", "-o", "name"}).out, HasSubstr("Model/m39"));
}

TEST_F(ApplyTest, RefusesAResourceThatIsTooLargeByFileAndMoreThanOneMessageCarries) {
  WriteModels(dir_ / "one", 1, 600'000);
  const Result one = Apply({"-f", dir_ / "one"});
  EXPECT_EQ(one.code, 2);
  EXPECT_THAT(one.err, HasSubstr("m0.yaml:1: it has 6000"));
  EXPECT_THAT(one.err, HasSubstr("a resource may have 524288; split it"));
  WriteModels(dir_ / "many", 40, 500'000);
  const Result many = Apply({"-f", dir_ / "many"});
  EXPECT_EQ(many.code, 2);
  EXPECT_THAT(many.err, HasSubstr("send less at once, or raise --max-message"));
  EXPECT_EQ(Run({"get", "models", "-o", "name"}).out, "");
}

TEST_F(ApplyTest, SaysThatNoExtractorIsThere) {
  workers_->Shutdown(std::chrono::seconds(0));
  const Result applied = Apply();
  EXPECT_EQ(applied.code, 4);
  EXPECT_THAT(applied.err, HasSubstr("no extractor is reachable; start one"));
}

TEST_F(ApplyTest, TriesConnectionsThroughWhoHoldsTheirCredentials) {
  ASSERT_EQ(Apply().code, 0);
  const Result source = Run({"test", "source", "warehouse"});
  EXPECT_EQ(source.code, 0);
  EXPECT_EQ(source.out, "reached 127.0.0.1\nSource \"warehouse\" works\n");
  const Result destination = Run({"test", "destination", "crm"});
  EXPECT_EQ(destination.code, 1);
  EXPECT_EQ(destination.out,
            "the token was refused\nDestination \"crm\" does not work "
            "(DESTINATION_UNAUTHENTICATED, user must act)\n");
  const Result unknown = Run({"test", "destination", "cmr"});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_EQ(unknown.err, "penstock: there is no Destination \"cmr\" (did you mean \"crm\"?)\n");
}

}  // namespace
}  // namespace penstock::testing
