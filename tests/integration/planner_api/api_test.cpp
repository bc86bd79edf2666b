#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <signal.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <future>
#include <map>
#include <memory>
#include <set>

#include "penstock/v1/cluster_service.grpc.pb.h"
#include "penstock/v1/resource_service.grpc.pb.h"
#include "penstock/v1/run_service.grpc.pb.h"
#include "penstock/v1/sync_service.grpc.pb.h"
#include "services/common/testing/wait_for.h"
#include "tests/integration/planner_api/error_details.h"
#include "tests/scenarios/cluster.h"
#include "tests/scenarios/declare.h"
#include "tests/scenarios/keyed_store.h"
#include "tests/scenarios/world.h"

// What docs/api.md promises, by the generated client. tests/python holds the same as a stranger.
namespace penstock::testing {
namespace {

using std::chrono::steady_clock;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kNowhere = "0192f000-0000-7000-8000-000000000000";

// The client of one planner.
class Client {
 public:
  explicit Client(const std::string& address) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 500);
    auto channel =
        grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
    resources = v1::ResourceService::NewStub(channel);
    runs = v1::RunService::NewStub(channel);
    syncs = v1::SyncService::NewStub(channel);
  }

  template <typename Stub, typename Request, typename Response>
  static grpc::Status Call(Stub& stub,
                           grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                        Response*),
                           const Request& request, Response& response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    context.set_wait_for_ready(true);
    response.Clear();
    return (stub.*method)(&context, request, &response);
  }

  std::unique_ptr<v1::ResourceService::Stub> resources;
  std::unique_ptr<v1::RunService::Stub> runs;
  std::unique_ptr<v1::SyncService::Stub> syncs;
};

// A stream of runs with a deadline.
class Watched {
 public:
  Watched(Client& client, const std::string& id) {
    v1::WatchRunRequest request;
    request.set_run_id(id);
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    context_.set_wait_for_ready(true);
    reader_ = client.runs->WatchRun(&context_, request);
  }
  bool Next() {
    v1::WatchRunResponse response;
    if (!reader_->Read(&response)) return false;
    run = response.run();
    return true;
  }
  grpc::Status Finish() { return reader_->Finish(); }
  void Cancel() { context_.TryCancel(); }

  v1::Run run;

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchRunResponse>> reader_;
};

class ApiTest : public ::testing::Test {
 protected:
  ApiTest() {
    cluster_.postgres().Sql(
        "CREATE TABLE people (id bigint PRIMARY KEY, email text UNIQUE NOT NULL, name text); "
        "INSERT INTO people VALUES (1, 'a@x.io', 'one'), (2, 'b@x.io', 'two')",
        "warehouse");
    v1::ApplyResourcesRequest request;
    for (v1::Resource& one : scenario::Declare(
             YAML::Load("{}"), {.warehouse_port = cluster_.postgres().port(),
                                .warehouse_gate_port = cluster_.warehouse_gate().port(),
                                .store_url = store_.url(),
                                .store_gate_port = store_.port()}))
      *request.add_resources() = std::move(one);
    const grpc::Status applied = Apply(request);
    EXPECT_TRUE(applied.ok()) << applied.error_message();
  }

  grpc::Status Apply(const v1::ApplyResourcesRequest& request) {
    return Client::Call(*api_.resources, &v1::ResourceService::Stub::ApplyResources, request,
                        applied_);
  }
  grpc::Status ApplyOne(const v1::Resource& resource) {
    v1::ApplyResourcesRequest request;
    *request.add_resources() = resource;
    return Apply(request);
  }
  v1::Resource GetSync() {
    v1::GetResourceRequest request;
    request.set_kind("Sync");
    request.set_name("people");
    v1::GetResourceResponse response;
    EXPECT_TRUE(
        Client::Call(*api_.resources, &v1::ResourceService::Stub::GetResource, request, response)
            .ok());
    return response.resource();
  }

  static v1::TriggerRunRequest Request(const std::string& id = {}) {
    v1::TriggerRunRequest request;
    request.set_sync("people");
    request.set_request_id(id);
    return request;
  }
  static grpc::Status Trigger(Client& client, const v1::TriggerRunRequest& request,
                              v1::TriggerRunResponse& response) {
    return Client::Call(*client.runs, &v1::RunService::Stub::TriggerRun, request, response);
  }
  v1::TriggerRunResponse Trigger(const v1::TriggerRunRequest& request = Request()) {
    v1::TriggerRunResponse response;
    const grpc::Status status = Trigger(api_, request, response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  v1::Run End(const std::string& run) {
    Watched stream(api_, run);
    while (stream.Next()) continue;
    const grpc::Status status = stream.Finish();
    EXPECT_TRUE(status.ok()) << status.error_message();
    return stream.run;
  }
  std::vector<std::string> RunIds() {
    v1::ListRunsResponse response;
    EXPECT_TRUE(
        Client::Call(*api_.runs, &v1::RunService::Stub::ListRuns, v1::ListRunsRequest(), response)
            .ok());
    std::vector<std::string> ids;
    for (const v1::Run& run : response.runs()) ids.push_back(run.id());
    return ids;
  }
  // Starts a run that its destination does not let go on.
  v1::Run Hold() {
    store_.SetRules({{.answer = {.apply = false, .status = 503}}});
    const v1::Run run = Trigger().run();
    EXPECT_TRUE(WaitFor([&] { return !store_.log().empty(); }));
    return run;
  }
  void LetGo() { store_.SetRules({}); }

  static void ExpectRefused(const grpc::Status& status, grpc::StatusCode code,
                            const std::string& reason) {
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    const auto info = DetailOf<google::rpc::ErrorInfo>(status);
    ASSERT_TRUE(info.has_value()) << status.error_message();
    EXPECT_EQ(info->domain(), "penstock.dev");
    EXPECT_EQ(info->reason(), reason) << status.error_message();
  }

  scenario::KeyedStore store_;
  scenario::Cluster cluster_{
      {}, {"state", "planner", "planner2", "extractor", "loader"}, std::set<std::string>()};
  Client api_{cluster_.planner_address()};
  Client other_{cluster_.planner_address("planner2")};
  v1::ApplyResourcesResponse applied_;
};

TEST_F(ApiTest, ARunReadsAfterTheFirstCallThatGotIt) {
  const v1::Run active = Hold();
  const v1::TriggerRunResponse waiting = Trigger();
  EXPECT_FALSE(waiting.coalesced());
  EXPECT_NE(waiting.run().id(), active.id());
  EXPECT_EQ(waiting.run().state(), v1::RUN_STATE_QUEUED);
  cluster_.postgres().Sql("INSERT INTO people VALUES (3, 'c@x.io', 'three')", "warehouse");
  const v1::TriggerRunResponse again = Trigger();
  EXPECT_TRUE(again.coalesced());
  EXPECT_EQ(again.run().id(), waiting.run().id());
  LetGo();
  End(active.id());
  const v1::Run second = End(waiting.run().id());
  EXPECT_EQ(second.state(), v1::RUN_STATE_SUCCEEDED);
  EXPECT_EQ(second.rows().rows_read(), 3);
  EXPECT_TRUE(store_.content().contains("c@x.io"));
}

TEST_F(ApiTest, WhoRefusesOverlapIsToldWhichRunIsActive) {
  const v1::Run active = Hold();
  v1::TriggerRunRequest request = Request();
  request.set_overlap(v1::OVERLAP_REFUSE);
  v1::TriggerRunResponse response;
  const grpc::Status refused = Trigger(api_, request, response);
  ExpectRefused(refused, grpc::StatusCode::FAILED_PRECONDITION, "RUN_ACTIVE");
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(refused)->metadata().at("run_id"), active.id());
  request.set_overlap(v1::OVERLAP_SKIP);
  ExpectRefused(Trigger(api_, request, response), grpc::StatusCode::INVALID_ARGUMENT,
                "INVALID_REQUEST");
}

TEST_F(ApiTest, ARequestIdGetsItsRunAlsoWhenItHasEnded) {
  const v1::Run run = Trigger(Request("nightly")).run();
  EXPECT_EQ(End(run.id()).state(), v1::RUN_STATE_SUCCEEDED);
  const v1::TriggerRunResponse again = Trigger(Request("nightly"));
  EXPECT_EQ(again.run().id(), run.id());
  EXPECT_EQ(again.run().state(), v1::RUN_STATE_SUCCEEDED);
  v1::TriggerRunRequest changed = Request("nightly");
  changed.set_full_resync(true);
  v1::TriggerRunResponse response;
  ExpectRefused(Trigger(api_, changed, response), grpc::StatusCode::INVALID_ARGUMENT,
                "REQUEST_ID_REUSED");
  ExpectRefused(Trigger(api_, Request(std::string(1'000'000, 'x')), response),
                grpc::StatusCode::INVALID_ARGUMENT, "INVALID_REQUEST");
}

TEST_F(ApiTest, ManyCallersOfOneRequestAtTwoPlannersGetOneRun) {
  std::vector<std::future<std::string>> calls;
  for (int i = 0; i < 32; ++i) {
    calls.push_back(std::async(std::launch::async, [this, i] {
      v1::TriggerRunResponse response;
      const grpc::Status status = Trigger(i % 2 == 0 ? api_ : other_, Request("once"), response);
      return status.ok() ? response.run().id() : status.error_message();
    }));
  }
  std::set<std::string> answers;
  for (auto& call : calls) answers.insert(call.get());
  EXPECT_THAT(answers, ElementsAre(RunIds().front()));
  EXPECT_EQ(RunIds().size(), 1u);
}

TEST_F(ApiTest, ARequestSurvivesAPlannerThatIsKilledBeforeItAnswers) {
  cluster_.Signal("planner2", SIGTERM);
  cluster_.Start("planner2", "planner.run_created");
  v1::TriggerRunResponse response;
  EXPECT_EQ(Trigger(other_, Request("once"), response).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(cluster_.WaitForEnd("planner2"));
  cluster_.Start("planner2");
  ASSERT_TRUE(Trigger(other_, Request("once"), response).ok());
  EXPECT_THAT(RunIds(), ElementsAre(response.run().id()));
}

TEST_F(ApiTest, AWatchTellsOfTheWholeRunFromNowToItsEnd) {
  const v1::Run run = Hold();
  Watched stream(api_, run.id());
  ASSERT_TRUE(stream.Next());
  EXPECT_EQ(stream.run.id(), run.id());
  int64_t revision = stream.run.revision();
  LetGo();
  const auto begun = steady_clock::now();
  int messages = 0;
  while (stream.Next()) {
    EXPECT_GT(stream.run.revision(), revision);
    revision = stream.run.revision();
    ++messages;
  }
  EXPECT_TRUE(stream.Finish().ok());
  EXPECT_EQ(stream.run.state(), v1::RUN_STATE_SUCCEEDED);
  const std::chrono::duration<double> took = steady_clock::now() - begun;
  EXPECT_LE(messages, 2 + 2 * took.count());  // the last one comes at once
}

TEST_F(ApiTest, AQuietRunIsToldAgain) {
  Hold();
  Watched stream(api_, Trigger().run().id());  // nothing moves in a run that waits
  ASSERT_TRUE(stream.Next());
  const int64_t revision = stream.run.revision();
  const auto begun = steady_clock::now();
  ASSERT_TRUE(stream.Next());
  EXPECT_EQ(stream.run.revision(), revision);
  EXPECT_GT(steady_clock::now() - begun, std::chrono::seconds(10));
  stream.Cancel();
}

TEST_F(ApiTest, AStoppingPlannerEndsItsStreamsAndNothingIsLost) {
  const v1::Run run = Hold();
  Watched stream(other_, run.id());
  ASSERT_TRUE(stream.Next());
  cluster_.Signal("planner2", SIGTERM);
  while (stream.Next()) continue;
  const grpc::Status ended = stream.Finish();
  ExpectRefused(ended, grpc::StatusCode::UNAVAILABLE, "DRAINING");
  EXPECT_TRUE(DetailOf<google::rpc::RetryInfo>(ended).has_value());
  LetGo();
  EXPECT_EQ(End(run.id()).state(), v1::RUN_STATE_SUCCEEDED);
}

TEST_F(ApiTest, OneStreamTellsOfManyRuns) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  v1::WatchRunsRequest request;
  request.add_syncs("people");
  const auto stream = api_.runs->WatchRuns(&context, request);
  const v1::Run first = Hold();
  const v1::Run second = Trigger().run();
  std::map<std::string, v1::Run> newest;
  const auto ended = [&newest] {
    return std::count_if(newest.begin(), newest.end(),
                         [](const auto& one) { return scenario::IsTerminal(one.second.state()); });
  };
  v1::WatchRunsResponse response;
  while (ended() < 2 && stream->Read(&response)) {
    v1::Run& known = newest[response.run().id()];
    EXPECT_TRUE(known.id().empty() || response.run().revision() > known.revision());
    known = response.run();
    if (newest.size() == 2) LetGo();
  }
  context.TryCancel();
  EXPECT_EQ(newest[first.id()].state(), v1::RUN_STATE_SUCCEEDED);
  EXPECT_EQ(newest[second.id()].state(), v1::RUN_STATE_SUCCEEDED);
  // Who comes back hears of what has ended meanwhile.
  grpc::ClientContext later;
  later.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  *request.mutable_ended_after() = newest[first.id()].end_time();
  const auto again = api_.runs->WatchRuns(&later, request);
  bool heard = false;
  while (!heard && again->Read(&response)) heard = response.run().id() == second.id();
  EXPECT_TRUE(heard);
  later.TryCancel();
}

TEST_F(ApiTest, PagesHoldUnderWrites) {
  for (int i = 0; i < 4; ++i) End(Trigger().run().id());
  const std::vector<std::string> before = RunIds();
  std::vector<std::string> seen;
  v1::ListRunsRequest request;
  request.set_page_size(2);
  v1::ListRunsResponse page;
  do {
    ASSERT_TRUE(Client::Call(*api_.runs, &v1::RunService::Stub::ListRuns, request, page).ok());
    for (const v1::Run& run : page.runs()) seen.push_back(run.id());
    request.set_page_token(page.next_page_token());
    End(Trigger().run().id());
  } while (!request.page_token().empty());
  EXPECT_EQ(seen, before);
}

TEST_F(ApiTest, APageTokenFromElsewhereAndASizeThatIsNoneAreRefused) {
  const auto refuse = [](auto& stub, auto method, auto request, auto response) {
    request.set_page_token("?!");
    ExpectRefused(Client::Call(stub, method, request, response), grpc::StatusCode::INVALID_ARGUMENT,
                  "INVALID_REQUEST");
    request.clear_page_token();
    for (const int size : {-1, 1001}) {
      request.set_page_size(size);
      const grpc::Status status = Client::Call(stub, method, request, response);
      ExpectRefused(status, grpc::StatusCode::INVALID_ARGUMENT, "INVALID_REQUEST");
      EXPECT_EQ(status.error_message(),
                "page_size is " + std::to_string(size) + "; it must be from 0 to 1000");
    }
  };
  refuse(*api_.runs, &v1::RunService::Stub::ListRuns, v1::ListRunsRequest(),
         v1::ListRunsResponse());
  refuse(*api_.runs, &v1::RunService::Stub::ListRejectedRecords, v1::ListRejectedRecordsRequest(),
         v1::ListRejectedRecordsResponse());
  refuse(*api_.resources, &v1::ResourceService::Stub::ListResources, v1::ListResourcesRequest(),
         v1::ListResourcesResponse());
}

TEST_F(ApiTest, AnEtagLetsOnlyTheFirstOfTwoWritersWin) {
  v1::Resource mine = GetSync();
  v1::Resource theirs = mine;
  theirs.mutable_sync()->mutable_metadata()->set_description("theirs");
  ASSERT_TRUE(ApplyOne(theirs).ok());
  mine.mutable_sync()->mutable_metadata()->set_description("mine");
  const grpc::Status refused = ApplyOne(mine);
  ExpectRefused(refused, grpc::StatusCode::ABORTED, "STALE_REVISION");
  EXPECT_EQ(refused.error_message(),
            "Sync \"people\" has changed since it was read; read it again, or apply it without "
            "its etag");
  EXPECT_EQ(GetSync().sync().metadata().description(), "theirs");
  mine.set_etag(GetSync().etag());
  EXPECT_TRUE(ApplyOne(mine).ok());
}

TEST_F(ApiTest, ValidateOnlyTellsAndChangesNothing) {
  v1::ApplyResourcesRequest request;
  request.set_validate_only(true);
  *request.add_resources() = GetSync();
  request.mutable_resources(0)->mutable_sync()->mutable_metadata()->set_description("another");
  ASSERT_TRUE(Apply(request).ok());
  EXPECT_EQ(applied_.changes(0).action(), "updated");
  EXPECT_EQ(GetSync().sync().metadata().description(), "");
}

TEST_F(ApiTest, AllMistakesComeAtOnceWithTheirPaths) {
  v1::Resource sync = GetSync();
  sync.mutable_sync()->set_model("nothing");
  sync.mutable_sync()->set_identity(0, "nowhere");
  const grpc::Status refused = ApplyOne(sync);
  ExpectRefused(refused, grpc::StatusCode::INVALID_ARGUMENT, "INVALID_RESOURCE");
  const auto bad = DetailOf<google::rpc::BadRequest>(refused).value();
  std::vector<std::string> fields;
  for (const auto& violation : bad.field_violations()) fields.push_back(violation.field());
  EXPECT_THAT(fields,
              ::testing::UnorderedElementsAre(HasSubstr("spec.model"), HasSubstr("spec.identity")));
}

TEST_F(ApiTest, WhatIsNotThereIsNotFound) {
  const auto missing = [](auto& stub, auto method, const auto& request, auto response) {
    ExpectRefused(Client::Call(stub, method, request, response), grpc::StatusCode::NOT_FOUND,
                  "RESOURCE_NOT_FOUND");
  };
  v1::GetRunRequest run;
  run.set_run_id(kNowhere);
  missing(*api_.runs, &v1::RunService::Stub::GetRun, run, v1::GetRunResponse());
  v1::CancelRunRequest cancel;
  cancel.set_run_id(kNowhere);
  missing(*api_.runs, &v1::RunService::Stub::CancelRun, cancel, v1::CancelRunResponse());
  v1::TriggerRunRequest trigger;
  trigger.set_sync("nothing");
  missing(*api_.runs, &v1::RunService::Stub::TriggerRun, trigger, v1::TriggerRunResponse());
  v1::GetResourceRequest resource;
  resource.set_kind("Sync");
  resource.set_name("nothing");
  missing(*api_.resources, &v1::ResourceService::Stub::GetResource, resource,
          v1::GetResourceResponse());
  v1::PauseSyncRequest pause;
  pause.set_sync("nothing");
  missing(*api_.syncs, &v1::SyncService::Stub::PauseSync, pause, v1::PauseSyncResponse());
  Watched stream(api_, kNowhere);
  EXPECT_FALSE(stream.Next());
  ExpectRefused(stream.Finish(), grpc::StatusCode::NOT_FOUND, "RESOURCE_NOT_FOUND");
}

TEST_F(ApiTest, APlanIsARunThatDeliversNothing) {
  v1::TriggerRunRequest request = Request();
  request.set_type(v1::RUN_TYPE_PLAN);
  const v1::Run run = End(Trigger(request).run().id());
  EXPECT_EQ(run.type(), v1::RUN_TYPE_PLAN);
  EXPECT_EQ(run.state(), v1::RUN_STATE_SUCCEEDED);
  v1::GetPlanRequest get;
  get.set_run_id(run.id());
  v1::GetPlanResponse response;
  ASSERT_TRUE(Client::Call(*api_.runs, &v1::RunService::Stub::GetPlan, get, response).ok());
  ASSERT_EQ(response.plan().operations_size(), 1);
  EXPECT_EQ(response.plan().operations(0).operation(), "upsert");
  EXPECT_EQ(response.plan().operations(0).records(), 2);
  EXPECT_TRUE(store_.log().empty());
}

TEST_F(ApiTest, ADueTimeThatStartsNothingIsARunWithItsReason) {
  const v1::Run active = Hold();
  v1::Resource sync = GetSync();
  sync.clear_etag();
  sync.mutable_sync()->mutable_schedule()->set_every_ms(1000);
  ASSERT_TRUE(ApplyOne(sync).ok());
  v1::ListRunsRequest request;
  request.add_states(v1::RUN_STATE_SKIPPED);
  v1::ListRunsResponse response;
  ASSERT_TRUE(WaitFor([&] {
    return Client::Call(*api_.runs, &v1::RunService::Stub::ListRuns, request, response).ok() &&
           response.runs_size() > 0;
  }));
  EXPECT_EQ(response.runs(0).trigger(), "schedule");
  EXPECT_EQ(response.runs(0).error().code(), "RUN_ACTIVE");
  EXPECT_THAT(response.runs(0).error().message(), HasSubstr(active.id()));
}

TEST_F(ApiTest, ACallWaitsForAWorkerThatIsOnItsWay) {
  cluster_.Signal("loader", SIGTERM);
  ASSERT_TRUE(cluster_.WaitForEnd("loader"));
  v1::TestConnectionRequest request;
  request.set_kind("Destination");
  request.set_name("store");
  v1::TestConnectionResponse response;
  auto tested = std::async(std::launch::async, [&] {
    return Client::Call(*api_.resources, &v1::ResourceService::Stub::TestConnection, request,
                        response);
  });
  EXPECT_EQ(tested.wait_for(std::chrono::seconds(2)), std::future_status::timeout);
  cluster_.Start("loader");
  const grpc::Status status = tested.get();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(response.ok());
}

TEST_F(ApiTest, ACallForWhichNoWorkerComesSaysWhenToTryAgain) {
  cluster_.Signal("extractor", SIGTERM);
  ASSERT_TRUE(cluster_.WaitForEnd("extractor"));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(3));
  v1::TestConnectionRequest request;
  request.set_kind("Source");
  request.set_name("warehouse");
  v1::TestConnectionResponse response;
  const grpc::Status status = api_.resources->TestConnection(&context, request, &response);
  ExpectRefused(status, grpc::StatusCode::UNAVAILABLE, "WORKERS_UNAVAILABLE");
  EXPECT_TRUE(DetailOf<google::rpc::RetryInfo>(status).has_value());
  EXPECT_THAT(status.error_message(), HasSubstr("no extractor is reachable"));
}

TEST_F(ApiTest, TheClusterTellsOfItsProcessesAndOfWhoMustAct) {
  auto cluster = v1::ClusterService::NewStub(
      grpc::CreateChannel(cluster_.planner_address(), grpc::InsecureChannelCredentials()));
  v1::GetClusterStatusResponse status;
  std::map<std::string, int> services;
  ASSERT_TRUE(WaitFor([&] {
    services.clear();
    const grpc::Status told =
        Client::Call(*cluster, &v1::ClusterService::Stub::GetClusterStatus, {}, status);
    EXPECT_TRUE(told.ok()) << told.error_message();
    for (const v1::Instance& one : status.instances()) ++services[one.service()];
    return status.instances_size() == 5 && status.has_backlog();
  }));
  EXPECT_THAT(services, ElementsAre(std::pair("extractor", 1), std::pair("loader", 1),
                                    std::pair("planner", 2), std::pair("state", 1)));
  EXPECT_EQ(status.syncs(), 1);
  EXPECT_TRUE(status.concerns().empty());
}

}  // namespace
}  // namespace penstock::testing
