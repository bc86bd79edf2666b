#include "services/state/app/state_app.h"

#include <thread>

#include "services/common/core/status.h"
#include "services/common/obs/log.h"
#include "services/common/pg/pg_listener.h"
#include "services/common/pg/pg_pool.h"
#include "services/common/process/exposure.h"
#include "services/common/process/service_process.h"
#include "services/common/rpc/rpc_server.h"
#include "services/state/app/delivery_engine.h"
#include "services/state/app/delivery_service.h"
#include "services/state/app/extraction_service.h"
#include "services/state/app/housekeeping.h"
#include "services/state/app/planning_service.h"
#include "services/state/app/run_facts.h"
#include "services/state/app/run_hub.h"
#include "services/state/app/schema.h"
#include "services/state/app/state_metrics.h"
#include "services/state/app/state_settings.h"

namespace penstock::state {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

// Waits for a database that is still starting; a schema that does not fit ends the process.
absl::Status MigrateWhenReachable(const std::string& conninfo, const std::string& password_file) {
  constexpr int kTries = 60;
  absl::Status status;
  for (int i = 0; i < kTries; ++i) {
    auto connection = PgConnection::Connect(conninfo, password_file);
    status = connection.ok() ? Migrate(**connection, EmbeddedMigrations()) : connection.status();
    if (CodeOf(status) != ErrorCode::kDATABASE_UNAVAILABLE) return status;
    LogWarning("database_away", "waits for the database", status);
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  return status;
}

absl::Status Serve(const StateServiceSettings& settings) {
  PENSTOCK_ASSIGN_OR_RETURN(auto process,
                            ServiceProcess::Start("state", settings.process, StateMetrics()));
  PENSTOCK_RETURN_IF_ERROR(CheckExposure(settings.serve));
  const std::string conninfo(settings.database.Reveal());
  const std::string& password_file = settings.database_password_file;
  const absl::Status readable = PgConnection::Check(conninfo, password_file);
  if (!readable.ok()) return WithContext(readable, "--database");
  PENSTOCK_RETURN_IF_ERROR(MigrateWhenReachable(conninfo, password_file));

  PgPool pool({.conninfo = conninfo,
               .password_file = password_file,
               .connections = settings.database_connections});
  Housekeeping housekeeping(pool, process->metrics(),
                            {.lease = duration_cast<milliseconds>(settings.lease),
                             .slack = duration_cast<milliseconds>(settings.grant_slack)},
                            settings.watch_interval);
  process->readiness().Add("database", [&housekeeping] { return housekeeping.health(); });
  DeliveryEngine engine(pool);
  auto hub = std::make_unique<RunHub>(pool);
  PgListener listener(
      conninfo, kRunsChannel, [&](std::string_view run) { hub->Notify(run); }, password_file);
  Gauge queue = process->metrics().GetGauge("penstock_state_database_queue");
  process->metrics().OnCollect(
      [&pool, queue]() mutable { queue.Set(static_cast<double>(pool.waiting())); });

  PlanningService planning(pool, *hub, process->metrics());
  ExtractionService extraction(pool, duration_cast<milliseconds>(settings.lease));
  DeliveryService delivery(pool, engine);
  grpc::Service* const services[] = {&planning, &extraction, &delivery};
  PENSTOCK_ASSIGN_OR_RETURN(auto server, process->StartServer(settings.serve, services));
  process->ServeUntilSignal(server->port());
  server->SetServing(false);
  hub->EndStreams();
  server->Shutdown(duration_cast<milliseconds>(settings.process.grace_period));
  return absl::OkStatus();
}

}  // namespace

int RunState(int argc, char** argv) {
  StateServiceSettings settings;
  ServiceConfig config("penstock-state",
                       "Keeps the truth: runs, leases, grants, outcomes and snapshots.");
  settings.AddTo(config);
  if (const std::optional<int> exit_code = config.LoadForMain(argc, argv)) return *exit_code;
  const absl::Status status = Serve(settings);
  return status.ok() ? 0 : ServiceProcess::Fail("penstock-state", status);
}

}  // namespace penstock::state
