#include "tests/integration/loader_app/loader_fixture.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <iostream>

#include "services/common/convert/resources.h"
#include "services/common/testing/free_port.h"
#include "services/common/testing/wait_for.h"

namespace penstock::loader {
namespace {

// Runs one call of the queue to its end.
template <typename F>
auto OverQueue(const testing::RedisServer& server, F call) {
  boost::asio::io_context context;
  RedisClient redis(context.get_executor(), *ParseRedisUrl(server.Url()));
  WorkQueue queue(redis, "penstock", {});
  using Result = typename decltype(call(queue))::value_type;
  std::optional<Result> result;
  boost::asio::co_spawn(
      context,
      [&]() -> boost::asio::awaitable<void> {
        result.emplace(co_await call(queue));
        redis.Close();
      },
      [](const std::exception_ptr& thrown) {
        if (thrown) std::rethrow_exception(thrown);
      });
  context.run();
  return *std::move(result);
}

}  // namespace

LoaderTest::LoaderTest() : loader_port_(testing::FreePort()) {}

LoaderTest::~LoaderTest() {
  if (!HasFailure()) return;
  for (int i = 0; i < loaders_; ++i) {
    std::cerr << testing::ReadFile(dir_ / ("loader" + std::to_string(i) + ".log"));
  }
}

Destination LoaderTest::MakeDestination(const std::string& name, const std::string& url,
                                        Confirms confirms) {
  OperationSpec spec;
  spec.request.path = "/records";
  spec.request.body =
      R"({"records":{"$each":"record","$do":{"i":"$record.index","id":"$record.identity"}}})";
  spec.confirms = confirms;
  spec.result = {.results = "/taken",
                 .record = "/i",
                 .errors = "/errors",
                 .error_record = "/i",
                 .message = "/message"};
  if (confirms != Confirms::kRecord) spec.result = {.message = "/message"};
  Destination destination{.connector = "http"};
  destination.meta.name = name;
  destination.config = {{"base_url", url}};
  destination.objects["o"].operations[Operation::kUpsert] = spec;
  return destination;
}

Sync LoaderTest::MakeSync(const std::string& name) {
  Sync sync{.model = "m", .destination = name, .object = "o", .identity = {"id"}};
  sync.meta.name = name;
  sync.mapping.push_back({.path = {"id"}, .from = FieldMapping::Column{"id", {}}});
  return sync;
}

void LoaderTest::Declare(const std::string& name, const std::string& url, Confirms confirms,
                         Guarantee guarantee) {
  Sync sync = MakeSync(name);
  sync.delivery.guarantee = guarantee;
  Declare(MakeDestination(name, url, confirms), sync);
}

void LoaderTest::Declare(const Destination& destination, const Sync& sync) {
  Connector connector;
  connector.meta.name = "http";
  Source source{.connector = "postgres"};
  source.meta.name = "wh";
  Model model{.source = "wh", .table = "t", .primary_key = {"id"}};
  model.meta.name = "m";

  pb::StoreResourcesRequest request;
  if (!std::exchange(declared_, true)) {
    *request.add_resources()->mutable_source() = ToProto(source);
    *request.add_resources()->mutable_model() = ToProto(model);
    *request.add_resources()->mutable_connector() = ToProto(connector);
  }
  *request.add_resources()->mutable_destination() = ToProto(destination);
  *request.add_resources()->mutable_sync() = ToProto(sync);
  pb::SyncTarget& target = (*request.mutable_targets())[sync.meta.name];
  target.set_target(destination.meta.name + "/o");
  target.set_account(destination.meta.name);
  grpc::ClientContext context;
  pb::StoreResourcesResponse response;
  const grpc::Status status = planning_->StoreResources(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
}

std::unique_ptr<testing::ChildProcess> LoaderTest::StartLoader(std::vector<std::string> args,
                                                               std::vector<std::string> env) {
  std::vector<std::string> all = {
      std::string(PENSTOCK_BIN) + "/penstock-loader",
      "--listen=127.0.0.1:" + (loaders_ == 0 ? std::to_string(loader_port_) : "0"),
      "--admin-listen=127.0.0.1:0",
      "--state=127.0.0.1:" + std::to_string(port_),
      "--redis-url=" + redis_.Url(),
      "--attempt-timeout=500ms",
      "--grant-margin=300ms",
      "--claim-idle=600ms",
      "--poll-interval=100ms",
      "--retry-base=40ms",
      "--retry-cap=200ms",
      "--breaker-open=100ms",
      "--log-level=debug"};
  all.insert(all.end(), args.begin(), args.end());
  return std::make_unique<testing::ChildProcess>(testing::ChildProcess::Options{
      .args = all,
      .env = std::move(env),
      .out = dir_ / ("loader" + std::to_string(loaders_++) + ".log")});
}

LoaderTest::Sent LoaderTest::Push(const std::string& sync, const std::vector<int>& ids) {
  pb::CreateRunRequest create;
  create.set_sync(sync);
  create.set_type(v1::RUN_TYPE_SYNC);
  pb::CreateRunResponse created;
  const grpc::Status status = TryCreateRun(create, created);
  EXPECT_TRUE(status.ok()) << status.error_message();
  Sent sent{.run = created.facts().run().id(), .task = Lease()};
  const Uuid run = Uuid::FromRaw(sent.task.run_id());
  sent.stream = {sync, run, sent.task.read(), sync};

  BatchHeader header;
  header.fields = {{{"id"}, 0}};
  header.identity_fields = {0};
  BatchBuilder builder(header);
  for (const int id : ids) {
    const auto key = static_cast<uint64_t>(id);
    builder.BeginRecord({.key = {key, key}, .row = key + 1, .emission = 5},
                        "{\"id\":" + std::to_string(id) + "}");
    builder.AddValue(std::to_string(id));
  }
  const std::string body = builder.Finish({run, sent.task.read(), sent.task.task_id(), 1});
  const auto records = static_cast<int64_t>(ids.size());
  EXPECT_TRUE(Announce(sent.task, 1, records).ok());
  const auto pushed = OverQueue(
      redis_, [&](WorkQueue& queue) -> asio::awaitable<absl::StatusOr<WorkQueue::Pushed>> {
        const absl::Status opened = co_await queue.Open(sent.stream);
        if (!opened.ok()) co_return opened;
        co_return co_await queue.Push(sent.stream, body);
      });
  EXPECT_TRUE(pushed.ok() && *pushed == WorkQueue::Pushed::kYes) << pushed.status();
  EXPECT_TRUE(EndRead(sent.task, 1, records, records).ok());
  EXPECT_TRUE(Complete(sent.task).ok());
  return sent;
}

v1::OperationCounts LoaderTest::Counts(const Sent& sent) {
  const pb::RunFacts facts = Facts(sent.run);
  return facts.run().operations_size() == 0 ? v1::OperationCounts() : facts.run().operations(0);
}

v1::OperationCounts LoaderTest::Settled(const Sent& sent) {
  EXPECT_TRUE(testing::WaitFor([&] {
    const v1::OperationCounts counts = Counts(sent);
    return counts.changed() > 0 && counts.pending() == 0;
  })) << Counts(sent).DebugString();
  return Counts(sent);
}

bool LoaderTest::Drained(const StreamId& stream) {
  const auto length = OverQueue(redis_, [&](WorkQueue& queue) { return queue.Length(stream); });
  return length.ok() && length->value_or(0) == 0;
}

std::unique_ptr<pb::LoaderService::Stub> LoaderTest::Service() const {
  auto channel = grpc::CreateChannel("127.0.0.1:" + std::to_string(loader_port_),
                                     grpc::InsecureChannelCredentials());
  EXPECT_TRUE(
      channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(20)));
  return pb::LoaderService::NewStub(channel);
}

std::vector<int> IdsOf(const SeenRequest& request) {
  std::vector<int> ids;
  const boost::json::value body = boost::json::parse(request.body);
  for (const boost::json::value& record : body.at("records").as_array()) {
    ids.push_back(record.at("id").to_number<int>());
  }
  return ids;
}

}  // namespace penstock::loader
