// The cluster moves to another certificate authority while runs go on.
#include <gmock/gmock.h>
#include <grpcpp/channel.h>

#include <atomic>
#include <csignal>
#include <map>
#include <mutex>
#include <thread>

#include "fmt/format.h"
#include "penstock/v1/resource_service.grpc.pb.h"
#include "penstock/v1/run_service.grpc.pb.h"
#include "services/common/config/resource_reader.h"
#include "services/common/convert/resources.h"
#include "services/common/rpc/peer_probe.h"
#include "services/common/rpc/rpc_channel.h"
#include "services/common/testing/wait_for.h"
#include "tests/integration/security/programs.h"
#include "tests/integration/security/secure_cluster.h"
#include "tests/scenarios/world.h"
#include "tests/support/http/test_server.h"

namespace penstock::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;

constexpr int kRows = 200;

constexpr const char* kResources = R"(
apiVersion: penstock.dev/v1
kind: Source
metadata: {{name: warehouse}}
spec:
  connector: postgres
  config: {{host: 127.0.0.1, port: "{}", database: warehouse, user: postgres, tls: disable}}
---
apiVersion: penstock.dev/v1
kind: Connector
metadata: {{name: api}}
spec:
  base_url: "{}"
  objects:
    people: {{operations: {{upsert: {{request: {{path: /people, body: {{rows: {{$each: record, $do: $record.fields}}}}}}}}}}}}
---
apiVersion: penstock.dev/v1
kind: Destination
metadata: {{name: api}}
spec: {{connector: api}}
---
apiVersion: penstock.dev/v1
kind: Model
metadata: {{name: people}}
spec: {{source: warehouse, table: people, primary_key: [id]}}
---
apiVersion: penstock.dev/v1
kind: Sync
metadata: {{name: people}}
spec:
  model: people
  destination: api
  object: people
  identity: [id]
  mapping: {{id: id, n: n}}
)";

class RotationTest : public ::testing::Test {
 protected:
  RotationTest() {
    std::signal(SIGPIPE, SIG_IGN);  // as every service does
    Sql(
        fmt::format("CREATE TABLE people (id int PRIMARY KEY, n int);"
                    "INSERT INTO people SELECT i, 0 FROM generate_series(1, {}) i",
                    kRows));
    // The client's files are looked at as the services' are, over connections that are new each
    // second.
    client_ = cluster_.Caller("client", cluster_.authority(), cluster_.authority().Pem());
    channel_ = *MakeChannel({.addresses = {cluster_.services().planner_address()}, .tls = client_});
    DeclaredResources declared;
    ReadResources("people.yaml",
                  fmt::format(kResources, cluster_.services().postgres().port(), server_.url()),
                  declared);
    for (const ResourceError& error : declared.errors) ADD_FAILURE() << error.ToString();
    v1::ApplyResourcesRequest request;
    for (const Resource& resource : declared.resources)
      *request.add_resources() = ToProto(resource);
    v1::ApplyResourcesResponse response;
    const grpc::Status applied = Call([&](grpc::ClientContext* context) {
      return Resources()->ApplyResources(context, request, &response);
    });
    EXPECT_TRUE(applied.ok()) << applied.error_message();
  }

  void Sql(const std::string& sql) { cluster_.services().postgres().Sql(sql, "warehouse"); }
  std::unique_ptr<v1::ResourceService::Stub> Resources() {
    return v1::ResourceService::NewStub(channel_);
  }

  // Not made again when it fails: that is what is counted.
  template <typename Make>
  grpc::Status Call(Make make) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + 10s);
    context.AddMetadata("authorization", std::string("Bearer ") + kToken);
    const grpc::Status status = make(&context);
    ++calls_;
    if (!status.ok()) {
      const std::lock_guard lock(mutex_);
      failures_.push_back(status.error_message());
    }
    return status;
  }

  // Changes every row and sends it, again and again.
  void RunUntil(const std::atomic<bool>& over) {
    const auto runs = v1::RunService::NewStub(channel_);
    do {
      Sql("UPDATE people SET n = n + 1");
      v1::TriggerRunRequest request;
      request.set_sync("people");
      v1::TriggerRunResponse begun;
      if (!Call([&](grpc::ClientContext* context) {
             return runs->TriggerRun(context, request, &begun);
           }).ok())
        return;
      v1::GetRunRequest get;
      get.set_run_id(begun.run().id());
      v1::GetRunResponse got;
      do {
        std::this_thread::sleep_for(20ms);
        got.Clear();
        if (!Call([&](grpc::ClientContext* context) {
               return runs->GetRun(context, get, &got);
             }).ok())
          return;
      } while (!scenario::IsTerminal(got.run().state()));
      ++runs_;
      if (got.run().state() != v1::RUN_STATE_SUCCEEDED) {
        const std::lock_guard lock(mutex_);
        failures_.push_back(scenario::Tell(got.run()));
      }
    } while (!over);
  }

  test::TestAnswer Keep(const test::SeenRequest& request) {
    const std::lock_guard lock(mutex_);
    for (size_t at = 0; (at = request.body.find("\"id\"", at)) != request.body.npos; ++at)
      ++received_;
    return test::Respond(200, "");
  }
  // More runs end than there were.
  void AwaitRuns(int more) {
    const int before = runs_;
    EXPECT_TRUE(WaitFor([&] { return runs_ >= before + more || Failed(); }));
  }
  bool Failed() {
    const std::lock_guard lock(mutex_);
    return !failures_.empty();
  }
  // Every service lets in (or keeps out) who has such files.
  bool AllTake(const TlsFiles& tls) {
    for (const std::string& service : kServices) {
      if (!ProbePeer({.address = cluster_.services().planner_address(service), .tls = tls}, 2s)
               .empty())
        return false;
    }
    return true;
  }
  // What a client trusts and shows can't be asked of it. It looks at its files every second, and
  // gRPC every second at what passed; an operator waits for hours.
  static void AwaitClients() { std::this_thread::sleep_for(4s); }
  bool NoneTakes(const TlsFiles& tls) {
    for (const std::string& service : kServices) {
      if (ProbePeer({.address = cluster_.services().planner_address(service), .tls = tls}, 2s)
              .empty())
        return false;
    }
    return true;
  }

  SecureCluster cluster_{"1s"};
  std::mutex mutex_;
  std::vector<std::string> failures_;
  int64_t received_ = 0;
  std::atomic<int> calls_ = 0, runs_ = 0;
  test::TestServer server_{[this](const test::SeenRequest& request) { return Keep(request); }};
  TlsFiles client_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(RotationTest, AnotherAuthorityTakesOverAndNoCallFails) {
  const test::Authority& first = cluster_.authority();
  const test::Authority second("Second authority");
  const std::string both = first.Pem() + second.Pem();
  const TlsFiles of_first = cluster_.Caller("of-first", first, both);
  const TlsFiles of_second = cluster_.Caller("of-second", second, both);
  std::atomic<bool> over = false;
  std::thread load([&] { RunUntil(over); });
  AwaitRuns(2);
  ASSERT_TRUE(AllTake(of_first));
  ASSERT_TRUE(NoneTakes(of_second));

  // 1. All trust both.
  cluster_.Trust(both);
  cluster_.Caller("client", first, both);
  EXPECT_TRUE(WaitFor([&] { return AllTake(of_second); }));
  AwaitClients();
  AwaitRuns(2);
  // 2. Everyone's certificate is one of the new authority.
  cluster_.IssuePeers(second);
  cluster_.Caller("client", second, both);
  cluster_.IssueServers(second);
  const TlsFiles trusts_second = cluster_.Caller("trusts-second", second, second.Pem());
  EXPECT_TRUE(WaitFor([&] { return AllTake(trusts_second); }));
  AwaitClients();
  AwaitRuns(2);
  // 3. The old authority goes.
  cluster_.Trust(second.Pem());
  cluster_.Caller("client", second, second.Pem());
  EXPECT_TRUE(WaitFor([&] { return NoneTakes(of_first); }));
  AwaitRuns(3);
  EXPECT_TRUE(AllTake(trusts_second));

  over = true;
  load.join();
  EXPECT_THAT(failures_, IsEmpty()) << cluster_.services().LogTails();
  EXPECT_EQ(received_, int64_t{kRows} * runs_);
  fmt::print("{} runs, {} calls, {} failed; {} records received for {} sent\n", runs_.load(),
             calls_.load(), failures_.size(), received_, int64_t{kRows} * runs_);
}

}  // namespace
}  // namespace penstock::testing
