#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <future>

#include "grpc/health/v1/health.grpc.pb.h"
#include "services/common/core/status.h"
#include "services/common/obs/catalogue.h"
#include "services/common/rpc/client_call.h"
#include "services/common/rpc/rpc_channel.h"
#include "services/common/rpc/rpc_server.h"
#include "services/common/testing/wait_for.h"
#include "tests/integration/common_rpc/test_services.h"

namespace penstock {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using ::penstock::testing::WaitFor;
using ::testing::HasSubstr;
using Async = pb::ExtractionService::StubInterface::async_interface;
using Lease = absl::StatusOr<pb::LeaseTaskResponse>;

// A server whose LeaseTask answers with the number it was asked with.
struct Replica {
  explicit Replica(std::string listen = "127.0.0.1:0") {
    service.lease_task = [this](const pb::LeaseTaskRequest& request,
                                RpcContext) -> asio::awaitable<Lease> {
      ++calls;
      pb::LeaseTaskResponse response;
      response.mutable_task()->set_task_id(request.worker());
      co_return response;
    };
    grpc::Service* services[] = {&service};
    server = *RpcServer::Start({.listen = listen, .metrics = &metrics}, services);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(server->port()); }

  Metrics metrics{MetricsOf(ServiceKind::kState)};
  TestExtraction service;
  std::atomic<int> calls = 0;
  std::unique_ptr<RpcServer> server;
};

class UnaryTest : public ::testing::Test {
 protected:
  std::shared_ptr<grpc::Channel> Channel(std::vector<std::string> addresses) {
    return *MakeChannel({.addresses = std::move(addresses)});
  }
  std::unique_ptr<pb::ExtractionService::Stub> Stub(std::vector<std::string> addresses) {
    return pb::ExtractionService::NewStub(Channel(std::move(addresses)));
  }
  Lease Call(pb::ExtractionService::Stub& stub, uint64_t worker, ClientCallOptions options = {}) {
    pb::LeaseTaskRequest request;
    request.set_worker(worker);
    return asio::co_spawn(pool_, CallUnary(stub.async(), &Async::LeaseTask, request, options),
                          asio::use_future)
        .get();
  }

  asio::thread_pool pool_{1};
};

TEST_F(UnaryTest, ACoroutineAnswersACoroutine) {
  Replica replica;
  auto stub = Stub({replica.address()});
  Lease response = Call(*stub, 41);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->task().task_id(), 41u);
}

TEST_F(UnaryTest, AMessageOverTheLimitOfEitherEndIsToldWithTheRemedy) {
  Replica replica;
  pb::HeartbeatRequest request;
  request.mutable_announced()->mutable_records()->Reserve(1);
  for (int i = 0; i < 3'000'000; ++i) request.mutable_announced()->add_records()->set_records(i);
  for (const size_t of_client : {size_t{1} << 20, size_t{64} << 20}) {
    auto stub = pb::ExtractionService::NewStub(
        *MakeChannel({.addresses = {replica.address()}, .max_message_bytes = of_client}));
    const auto answer =
        asio::co_spawn(pool_,
                       CallUnary(stub->async(), &Async::Heartbeat, request, ClientCallOptions()),
                       asio::use_future)
            .get();
    EXPECT_EQ(CodeOf(answer.status()), ErrorCode::kMESSAGE_TOO_LARGE) << answer.status();
    EXPECT_THAT(std::string(answer.status().message()),
                HasSubstr("send less at once, or raise --max-message"));
    EXPECT_TRUE(Call(*stub, 1).ok()) << "both ends go on";
  }
}

TEST_F(UnaryTest, CallsGoToAllReplicasInTurnAndPastOneThatDrains) {
  Replica one;
  Replica two;
  auto stub = Stub({one.address(), two.address()});
  // Both connections must be up before turns are fair.
  ASSERT_TRUE(WaitFor([&] { return Call(*stub, 1).ok() && one.calls > 0 && two.calls > 0; }));
  int before = two.calls;
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Call(*stub, 1).ok());
  EXPECT_EQ(two.calls - before, 10);
  one.server->SetServing(false);
  ASSERT_TRUE(WaitFor([&] {
    int seen = one.calls;
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(Call(*stub, 1).ok());
    return one.calls == seen;
  }));
  one.server->Shutdown(1s);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(Call(*stub, 1).ok());
}

TEST_F(UnaryTest, FindsAReplicaAgainThatWasRestarted) {
  auto replica = std::make_unique<Replica>();
  std::string address = replica->address();
  auto stub = Stub({address});
  ASSERT_TRUE(Call(*stub, 1).ok());
  replica.reset();
  ClientCallOptions impatient{.timeout = 200ms};
  EXPECT_EQ(CodeOf(Call(*stub, 1, impatient).status()), ErrorCode::kSTATE_UNAVAILABLE);
  replica = std::make_unique<Replica>(address);
  EXPECT_TRUE(Call(*stub, 1).ok());
}

TEST_F(UnaryTest, ErrorsArriveWithTheirCodeAndExceptionsAsInternal) {
  Replica replica;
  auto stub = Stub({replica.address()});
  replica.service.lease_task = [](const pb::LeaseTaskRequest& request,
                                  RpcContext) -> asio::awaitable<Lease> {
    if (request.worker() == 1) throw std::runtime_error("a bug");
    co_return Error(ErrorCode::kLEASE_LOST, "task 7 belongs to another worker");
  };
  Lease lost = Call(*stub, 0);
  EXPECT_EQ(CodeOf(lost.status()), ErrorCode::kLEASE_LOST);
  EXPECT_THAT(std::string(lost.status().message()), HasSubstr("task 7"));
  EXPECT_EQ(CodeOf(Call(*stub, 1).status()), ErrorCode::kINTERNAL);
}

TEST_F(UnaryTest, DeadlineAndTraceReachTheHandlerAndItsOwnCalls) {
  Replica back;
  Replica front;
  auto back_stub = Stub({back.address()});
  std::promise<RpcContext> seen;
  back.service.lease_task = [&](const pb::LeaseTaskRequest&,
                                RpcContext context) -> asio::awaitable<Lease> {
    seen.set_value(context);
    co_return pb::LeaseTaskResponse();
  };
  front.service.lease_task = [&](const pb::LeaseTaskRequest& request,
                                 RpcContext context) -> asio::awaitable<Lease> {
    ClientCallOptions options{.timeout = 1h, .parent = context};
    co_return co_await CallUnary(back_stub->async(), &Async::LeaseTask, request, options);
  };
  auto stub = Stub({front.address()});
  ClientCallOptions options{.timeout = 20s};
  ASSERT_TRUE(Call(*stub, 1, options).ok());
  RpcContext context = seen.get_future().get();
  EXPECT_EQ(context.trace.id(), options.parent.trace.id());
  ASSERT_TRUE(context.deadline.has_value());
  EXPECT_LT(*context.deadline, std::chrono::system_clock::now() + 21s);
}

TEST_F(UnaryTest, ACallerThatGoesAwayIsSeenAndAForgottenCallStillEnds) {
  Replica replica;
  std::promise<void> begun;
  std::promise<void> stopped;
  std::optional<UnaryDone<pb::HeartbeatResponse>> kept;
  replica.service.heartbeat = [&](const pb::HeartbeatRequest&, RpcContext context, auto done) {
    kept.emplace(std::move(done));
    begun.set_value();
    std::thread([&, token = context.cancelled] {
      if (WaitFor([&] { return token.stop_requested(); })) stopped.set_value();
    }).detach();
  };
  auto stub = Stub({replica.address()});
  std::promise<absl::Status> ended;
  CallUnary(stub->async(), &Async::Heartbeat, {}, {.timeout = 100ms},
            [&](absl::StatusOr<pb::HeartbeatResponse> r) { ended.set_value(r.status()); });
  begun.get_future().wait();
  EXPECT_EQ(CodeOf(ended.get_future().get()), ErrorCode::kSTATE_UNAVAILABLE);
  EXPECT_EQ(stopped.get_future().wait_for(20s), std::future_status::ready);
  kept.reset();

  replica.service.heartbeat = [](const pb::HeartbeatRequest&, RpcContext, auto) {};
  std::promise<absl::Status> forgotten;
  CallUnary(stub->async(), &Async::Heartbeat, {}, {.timeout = 20s},
            [&](absl::StatusOr<pb::HeartbeatResponse> r) { forgotten.set_value(r.status()); });
  EXPECT_EQ(CodeOf(forgotten.get_future().get()), ErrorCode::kINTERNAL);
}

TEST_F(UnaryTest, CallsAreObservedByMethodAndCode) {
  Replica replica;
  auto stub = Stub({replica.address()});
  ASSERT_TRUE(Call(*stub, 1).ok());
  ASSERT_TRUE(Call(*stub, 2).ok());
  EXPECT_THAT(replica.metrics.Expose(),
              HasSubstr(R"(penstock_rpc_seconds_count{code="OK",)"
                        R"(method="/penstock.internal.v1.ExtractionService/LeaseTask"} 2)"));
}

TEST_F(UnaryTest, HealthFollowsServing) {
  Replica replica;
  // Not by MakeChannel, which would avoid a server that isn't serving.
  auto health = grpc::health::v1::Health::NewStub(
      grpc::CreateChannel(replica.address(), grpc::InsecureChannelCredentials()));
  auto status = [&] {
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckResponse response;
    EXPECT_TRUE(health->Check(&context, {}, &response).ok());
    return response.status();
  };
  EXPECT_EQ(status(), grpc::health::v1::HealthCheckResponse::SERVING);
  replica.server->SetServing(false);
  EXPECT_EQ(status(), grpc::health::v1::HealthCheckResponse::NOT_SERVING);
}

TEST_F(UnaryTest, AnAddressThatIsTakenIsRefused) {
  Replica replica;
  TestExtraction other;
  grpc::Service* services[] = {&other};
  absl::Status status = RpcServer::Start({.listen = replica.address()}, services).status();
  EXPECT_EQ(CodeOf(status), ErrorCode::kINVALID_CONFIGURATION);
  EXPECT_THAT(std::string(status.message()), HasSubstr(replica.address()));
}

}  // namespace
}  // namespace penstock
