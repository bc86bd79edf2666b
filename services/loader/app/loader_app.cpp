#include "services/loader/app/loader_app.h"

#include <grpcpp/channel.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <thread>

#include "absl/strings/str_cat.h"
#include "services/common/core/random.h"
#include "services/common/core/status.h"
#include "services/common/obs/log.h"
#include "services/common/process/exposure.h"
#include "services/common/process/membership.h"
#include "services/common/process/peers.h"
#include "services/common/process/redis_metrics.h"
#include "services/common/process/service_process.h"
#include "services/common/redis/redis_watch.h"
#include "services/common/rpc/rpc_server.h"
#include "services/loader/app/intake.h"
#include "services/loader/app/loader_service.h"
#include "services/loader/app/loader_settings.h"

namespace penstock::loader {
namespace {

using std::chrono::duration_cast;

// The parts of a loader, all on one thread: coroutines share them without locks.
class LoaderParts {
 public:
  LoaderParts(const LoaderSettings& settings, Metrics& metrics, RedisOptions redis,
              const std::shared_ptr<grpc::Channel>& state)
      : guard_(asio::make_work_guard(context_)),
        tasks_(context_.get_executor()),
        stream_tasks_(context_.get_executor()),
        stub_(pb::DeliveryService::NewStub(state)),
        redis_(context_.get_executor(), std::move(redis), ObserveRedis(metrics)),
        redis_watch_(context_.get_executor(), redis_),
        queue_(redis_, settings.redis.prefix, {}),
        quota_(redis_, settings.redis.prefix),
        loader_(Random::System().Next()),
        deliver_(stream_tasks_, *stub_, loader_),
        reads_(tasks_, *stub_, settings),
        world_{settings,
               tasks_,
               queue_,
               quota_,
               *stub_,
               deliver_,
               reads_,
               metrics,
               metrics.GetGauge("penstock_loader_memory_bytes"),
               absl::StrCat("loader-", absl::Hex(loader_))},
        intake_(world_) {
    metrics.GetGauge("penstock_loader_memory_limit_bytes")
        .Set(static_cast<double>(settings.total_memory.bytes));
    thread_ = std::thread([this] { context_.run(); });
  }
  ~LoaderParts() {
    if (!drained_) Drain(std::chrono::seconds(1));
    guard_.reset();
    context_.stop();
    thread_.join();
  }

  absl::Status redis_status() const { return redis_watch_.status(); }
  asio::any_io_executor executor() { return context_.get_executor(); }

  // Ends attempts under way, reports, hands the rest back. False when `grace` was too short.
  bool Drain(Duration grace) {
    drained_ = true;
    asio::post(context_, [this] { intake_.Stop(); });
    std::promise<void> ended;
    asio::co_spawn(context_, End(ended), asio::detached);
    return ended.get_future().wait_for(grace) == std::future_status::ready;
  }

 private:
  asio::awaitable<void> End(std::promise<void>& ended) {
    co_await tasks_.AllEnded();
    deliver_.Close();
    co_await stream_tasks_.AllEnded();
    redis_.Close();
    ended.set_value();
  }

  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard_;
  Tasks tasks_;
  Tasks stream_tasks_;  // end after the deliveries, whose reports they carry
  std::unique_ptr<pb::DeliveryService::StubInterface> stub_;
  RedisClient redis_;
  RedisWatch redis_watch_;
  WorkQueue queue_;
  QuotaClient quota_;
  const uint64_t loader_;
  DeliverStream deliver_;
  ReadBook reads_;
  LoaderWorld world_;
  Intake intake_;
  bool drained_ = false;
  std::thread thread_;
};

absl::Status Serve(const LoaderSettings& settings) {
  PENSTOCK_ASSIGN_OR_RETURN(auto process,
                            ServiceProcess::Start(ServiceKind::kLoader, settings.process,
                                                  MetricsOf(ServiceKind::kLoader)));
  PENSTOCK_RETURN_IF_ERROR(CheckExposure(settings.serve));
  PENSTOCK_ASSIGN_OR_RETURN(RedisOptions redis, RedisOptionsOf(settings.redis));
  PENSTOCK_ASSIGN_OR_RETURN(
      const Peers peers,
      Peers::Open(settings.peer_tls, settings.serve.max_message, process->metrics()));
  PENSTOCK_ASSIGN_OR_RETURN(const PeerLink to_state,
                            peers.Link("state", settings.state.addresses, settings.state.tls_name));
  LoaderParts parts(settings, process->metrics(), std::move(redis), to_state.channel);
  process->readiness().Add("redis", [&parts] { return parts.redis_status(); });
  process->readiness().Add("state", [&to_state]() -> absl::Status {
    if (to_state.channel->GetState(/*try_to_connect=*/true) == GRPC_CHANNEL_READY)
      return absl::OkStatus();
    return to_state.probe->Explain(
        Error(ErrorCode::kSTATE_UNAVAILABLE, "the state service can't be reached"));
  });
  LoaderService service(parts.executor(), settings);
  grpc::Service* const services[] = {&service};
  PENSTOCK_ASSIGN_OR_RETURN(auto server, process->StartServer(settings.serve, services));
  const Membership membership(ServiceKind::kLoader, to_state.channel, process->readiness(),
                              process->metrics());
  process->ServeUntilSignal(server->port());
  server->SetServing(false);
  const bool drained = parts.Drain(settings.process.grace_period);
  server->Shutdown(milliseconds(0));
  if (!drained) {
    // State sees the grants that are open run out, as after a crash; nothing is lost by it.
    LogWarning("drain_cut", "the grace period ended before all attempts did");
    std::fflush(nullptr);
    std::_Exit(0);
  }
  return absl::OkStatus();
}

}  // namespace

int RunLoader(int argc, char** argv) {
  LoaderSettings settings;
  ServiceConfig config("penstock-loader", "Sends batches to destinations.");
  settings.AddTo(config);
  if (const std::optional<int> exit_code = config.LoadForMain(argc, argv)) return *exit_code;
  absl::StatusOr<ProxyRules> proxies = ProxyRules::FromEnvironment();
  if (!proxies.ok()) return ServiceProcess::Fail("penstock-loader", proxies.status());
  settings.proxies = *std::move(proxies);
  const absl::Status status = Serve(settings);
  return status.ok() ? 0 : ServiceProcess::Fail("penstock-loader", status);
}

}  // namespace penstock::loader
