#include "services/extractor/app/extractor_app.h"

#include <grpcpp/channel.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <thread>

#include "absl/strings/str_cat.h"
#include "services/common/core/random.h"
#include "services/common/core/status.h"
#include "services/common/process/exposure.h"
#include "services/common/process/membership.h"
#include "services/common/process/peers.h"
#include "services/common/process/redis_metrics.h"
#include "services/common/process/service_process.h"
#include "services/common/redis/redis_client.h"
#include "services/common/redis/redis_watch.h"
#include "services/common/rpc/rpc_server.h"
#include "services/extractor/app/extractor_service.h"
#include "services/extractor/app/extractor_settings.h"
#include "services/extractor/app/task_loop.h"

namespace penstock::extractor {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

// Folders for spool and cache. Whatever an earlier process left in the spool belongs to reads that
// are lost.
absl::Status PrepareFolders(const fs::path& work_dir) {
  std::error_code failed;
  fs::remove_all(work_dir / "spool", failed);
  for (const char* name : {"spool", "segments"}) {
    fs::create_directories(work_dir / name, failed);
    if (failed) {
      return Error(
          ErrorCode::kINVALID_CONFIGURATION,
          absl::StrCat("--work-dir ", work_dir.string(), " can't be written: ", failed.message()));
    }
  }
  return absl::OkStatus();
}

absl::Status Serve(const ExtractorSettings& settings) {
  PENSTOCK_RETURN_IF_ERROR(PrepareFolders(settings.work_dir));
  PENSTOCK_ASSIGN_OR_RETURN(auto process,
                            ServiceProcess::Start(ServiceKind::kExtractor, settings.process,
                                                  MetricsOf(ServiceKind::kExtractor)));
  PENSTOCK_RETURN_IF_ERROR(CheckExposure(settings.serve));
  PENSTOCK_ASSIGN_OR_RETURN(
      const Peers peers,
      Peers::Open(settings.peer_tls, settings.serve.max_message, process->metrics()));
  PENSTOCK_ASSIGN_OR_RETURN(const PeerLink to_state,
                            peers.Link("state", settings.state.addresses, settings.state.tls_name));
  PENSTOCK_ASSIGN_OR_RETURN(const RedisOptions redis_options, RedisOptionsOf(settings.redis));

  asio::io_context io(1);
  std::jthread io_thread;  // is waited for when the guard has gone, however this function ends
  auto work = asio::make_work_guard(io);
  io_thread = std::jthread([&io] { io.run(); });
  RedisClient redis(io.get_executor(), redis_options, ObserveRedis(process->metrics()));
  const RedisWatch redis_watch(io.get_executor(), redis);
  process->readiness().Add("redis", [&redis_watch] { return redis_watch.status(); });
  WorkQueue queue(redis, settings.redis.prefix,
                  {.destination_bytes = settings.destination_backlog.bytes,
                   .total_bytes = settings.backlog.bytes});
  StateClient state(to_state.channel, settings.state.call_timeout);
  SegmentCache cache(fs::path(settings.work_dir) / "segments", settings.cache.bytes, state,
                     process->metrics());
  SpoolBudget spool_budget(settings.spool.bytes);
  Workshop workshop{settings,
                    state,
                    queue,
                    cache,
                    spool_budget,
                    process->metrics(),
                    Secrets(settings.secrets_dir),
                    io};

  ExtractorService service(Secrets(settings.secrets_dir));
  grpc::Service* const services[] = {&service};
  PENSTOCK_ASSIGN_OR_RETURN(auto server, process->StartServer(settings.serve, services));
  {
    TaskLoop loop(workshop, Random::System().Next() >> 1);
    process->readiness().Add("state", [&loop, &to_state]() -> absl::Status {
      if (loop.state_answers()) return absl::OkStatus();
      return to_state.probe->Explain(
          Error(ErrorCode::kSTATE_UNAVAILABLE, "the state service can't be reached"));
    });
    Metrics& metrics = process->metrics();
    const auto collecting = metrics.OnCollect([&] {
      metrics.GetGauge("penstock_extractor_tasks_active").Set(loop.busy());
      metrics.GetGauge("penstock_extractor_spool_bytes")
          .Set(static_cast<double>(spool_budget.used()));
      metrics.GetGauge("penstock_extractor_cache_bytes").Set(static_cast<double>(cache.bytes()));
    });
    metrics.GetGauge("penstock_extractor_tasks_limit").Set(settings.tasks);
    metrics.GetGauge("penstock_extractor_spool_limit_bytes")
        .Set(static_cast<double>(settings.spool.bytes));
    metrics.GetGauge("penstock_extractor_cache_limit_bytes")
        .Set(static_cast<double>(settings.cache.bytes));
    const Membership membership(ServiceKind::kExtractor, to_state.channel, process->readiness(),
                                metrics);
    process->ServeUntilSignal(server->port());
    server->SetServing(false);
    // Tasks at work end within the grace period; what does not is cut off, and read anew elsewhere.
    loop.Drain();
    const BootTime deadline = BootClock::now() + settings.process.grace_period;
    while (loop.busy() > 0 && BootClock::now() < deadline)
      std::this_thread::sleep_for(milliseconds(20));
    if (loop.busy() > 0) {
      server->Shutdown(milliseconds(0));
      std::_Exit(0);
    }
  }
  server->Shutdown(duration_cast<milliseconds>(settings.process.grace_period));
  redis.Close();
  work.reset();
  return absl::OkStatus();
}

}  // namespace

int RunExtractor(int argc, char** argv) {
  ExtractorSettings settings;
  ServiceConfig config("penstock-extractor",
                       "Reads warehouses, finds what changed and hands it on.");
  settings.AddTo(config);
  if (const std::optional<int> exit_code = config.LoadForMain(argc, argv)) return *exit_code;
  const absl::Status status = Serve(settings);
  return status.ok() ? 0 : ServiceProcess::Fail("penstock-extractor", status);
}

}  // namespace penstock::extractor
