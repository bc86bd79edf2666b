#include "services/planner/app/planner_app.h"

#include <grpcpp/channel.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "services/common/core/status.h"
#include "services/common/process/exposure.h"
#include "services/common/process/membership.h"
#include "services/common/process/peers.h"
#include "services/common/process/redis_metrics.h"
#include "services/common/process/service_process.h"
#include "services/common/queue/work_queue.h"
#include "services/common/redis/redis_client.h"
#include "services/common/redis/redis_watch.h"
#include "services/common/rpc/rpc_server.h"
#include "services/planner/app/api_call.h"
#include "services/planner/app/cluster_service.h"
#include "services/planner/app/planner_settings.h"
#include "services/planner/app/resource_service.h"
#include "services/planner/app/run_driver.h"
#include "services/planner/app/run_service.h"
#include "services/planner/app/sync_service.h"

namespace penstock::planner {
namespace {

namespace asio = boost::asio;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr int kThreads = 2;

// Null when anyone may call.
absl::StatusOr<std::unique_ptr<ApiTokens>> OpenTokens(const std::string& file) {
  if (file.empty()) return nullptr;
  return ApiTokens::Open(file);
}

absl::Status Serve(const PlannerSettings& settings) {
  PENSTOCK_ASSIGN_OR_RETURN(const auto tokens, OpenTokens(settings.api_token_file));
  PENSTOCK_ASSIGN_OR_RETURN(auto process,
                            ServiceProcess::Start(ServiceKind::kPlanner, settings.process,
                                                  MetricsOf(ServiceKind::kPlanner)));
  PENSTOCK_RETURN_IF_ERROR(CheckExposure(settings.serve, &settings.api_token_file));
  PENSTOCK_ASSIGN_OR_RETURN(
      const Peers links,
      Peers::Open(settings.peer_tls, settings.serve.max_message, process->metrics()));
  PENSTOCK_ASSIGN_OR_RETURN(const PeerLink to_state,
                            links.Link("state", settings.state.addresses, settings.state.tls_name));
  PENSTOCK_ASSIGN_OR_RETURN(
      const PeerLink to_extractors,
      links.Link("extractor", settings.extractors, settings.extractors_tls_name));
  PENSTOCK_ASSIGN_OR_RETURN(const PeerLink to_loaders,
                            links.Link("loader", settings.loaders, settings.loaders_tls_name));
  PENSTOCK_ASSIGN_OR_RETURN(const RedisOptions redis_options, RedisOptionsOf(settings.redis));

  asio::io_context io(kThreads);
  auto work = asio::make_work_guard(io);
  RedisClient redis(io.get_executor(), redis_options, ObserveRedis(process->metrics()));
  const RedisWatch redis_watch(io.get_executor(), redis);
  WorkQueue queue(redis, settings.redis.prefix, QueueLimits());
  const ResourcePeers peers(to_state.channel, to_extractors.channel, to_loaders.channel,
                            settings.worker_wait, process->metrics());
  auto driver = std::make_shared<RunDriver>(
      asio::make_strand(io),
      RunDriver::Options{
          .reconcile_interval = settings.reconcile_interval,
          .call_timeout = settings.state.call_timeout,
          .test_interval = settings.test_interval,
          .policy = {.first_backoff = duration_cast<milliseconds>(settings.read_backoff)}},
      *peers.state, *peers.loader, *peers.loaders, queue, redis_watch, process->metrics());
  const ApiAccess access{io.get_executor(), tokens.get()};
  RunService runs(access, peers, process->metrics());
  ResourceService resources(access, peers);
  SyncService syncs(access, *peers.state);
  ClusterService cluster(access, *peers.state, *driver);
  process->readiness().Add("redis", [&redis_watch] { return redis_watch.status(); });
  process->readiness().Add("state", [&]() -> absl::Status {
    if (driver->healthy()) return absl::OkStatus();
    return to_state.probe->Explain(Error(ErrorCode::kSTATE_UNAVAILABLE, "state does not answer"));
  });

  grpc::Service* const services[] = {&resources, &runs, &syncs, &cluster};
  PENSTOCK_ASSIGN_OR_RETURN(auto server,
                            process->StartServer(settings.serve, services, /*internal=*/false));
  driver->Start();
  const Membership membership(ServiceKind::kPlanner, to_state.channel, process->readiness(),
                              process->metrics());
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([&io] { io.run(); });
  process->ServeUntilSignal(server->port());
  server->SetServing(false);
  runs.EndStreams();
  driver->Stop();
  server->Shutdown(duration_cast<milliseconds>(settings.process.grace_period));
  redis.Close();
  work.reset();
  io.stop();
  return absl::OkStatus();
}

}  // namespace

int RunPlanner(int argc, char** argv) {
  PlannerSettings settings;
  ServiceConfig config("penstock-planner", "Serves the public API and decides when runs move.");
  settings.AddTo(config);
  if (const std::optional<int> exit_code = config.LoadForMain(argc, argv)) return *exit_code;
  const absl::Status status = Serve(settings);
  return status.ok() ? 0 : ServiceProcess::Fail("penstock-planner", status);
}

}  // namespace penstock::planner
