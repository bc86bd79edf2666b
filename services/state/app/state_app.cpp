#include "services/state/app/state_app.h"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
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
#include "services/state/app/membership_service.h"
#include "services/state/app/planning_service.h"
#include "services/state/app/run_facts.h"
#include "services/state/app/run_hub.h"
#include "services/state/app/schema.h"
#include "services/state/app/state_settings.h"

namespace penstock::state {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

// What /readyz says until the database is there and fits.
class SchemaCheck {
 public:
  absl::Status status() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }
  // True when this is news.
  bool Set(absl::Status status) {
    const std::lock_guard lock(mutex_);
    const bool changed = status != status_;
    status_ = std::move(status);
    return changed;
  }

 private:
  mutable std::mutex mutex_;
  absl::Status status_ = Error(ErrorCode::kDATABASE_UNAVAILABLE, "PostgreSQL was not asked yet");
};

// However long the database is away, lacks a right or is of another version: who runs it mends it
// there, and reads here what is wrong. False: a signal ended the wait.
bool MigrateWhenPossible(ServiceProcess& process, const std::string& conninfo,
                         const std::string& password_file, SchemaCheck& schema) {
  for (;;) {
    auto connection = PgConnection::Connect(conninfo, password_file);
    const absl::Status status =
        connection.ok() ? Migrate(**connection, EmbeddedMigrations()) : connection.status();
    if (schema.Set(status) && !status.ok())
      LogWarning("database_not_usable", "waits for the database", status);
    if (status.ok()) return true;
    if (process.SignalWithin(std::chrono::seconds(1))) return false;
  }
}

std::vector<std::string> InfoLabels(const std::vector<std::string>& metric_labels) {
  std::vector<std::string> names;
  for (const std::string& label : metric_labels) names.push_back("label_" + label);
  return names;
}

// With the operator's labels, whose names `info_labels` keeps alive.
std::vector<MetricSpec> StateMetrics(const std::vector<std::string>& info_labels) {
  std::vector<MetricSpec> specs = MetricsOf(ServiceKind::kState);
  for (MetricSpec& spec : specs) {
    if (spec.name != "penstock_sync_info") continue;
    spec.labels.insert(spec.labels.end(), info_labels.begin(), info_labels.end());
  }
  return specs;
}

absl::Status CheckMetricLabels(const std::vector<std::string>& labels) {
  for (const std::string& label : labels) {
    const bool fits = !label.empty() && std::all_of(label.begin(), label.end(), [](char c) {
      return absl::ascii_isalnum(c) || c == '_';
    });
    if (!fits) {
      return Error(ErrorCode::kINVALID_CONFIGURATION,
                   absl::StrCat("--metric-labels: \"", label,
                                "\" can't be part of a metric's label; use letters, digits and _"));
    }
  }
  return absl::OkStatus();
}

absl::Status Serve(const StateServiceSettings& settings) {
  PENSTOCK_RETURN_IF_ERROR(CheckMetricLabels(settings.metric_labels));
  const std::vector<std::string> info_labels = InfoLabels(settings.metric_labels);
  PENSTOCK_ASSIGN_OR_RETURN(
      auto process,
      ServiceProcess::Start(ServiceKind::kState, settings.process, StateMetrics(info_labels)));
  PENSTOCK_RETURN_IF_ERROR(CheckExposure(settings.serve));
  PENSTOCK_RETURN_IF_ERROR(CheckServerTls(settings.serve));
  const std::string conninfo(settings.database.Reveal());
  const std::string& password_file = settings.database_password_file;
  const absl::Status readable = PgConnection::Check(conninfo, password_file);
  if (!readable.ok()) return WithContext(readable, "--database");
  SchemaCheck schema;
  process->readiness().Add("schema", [&schema] { return schema.status(); });
  if (!MigrateWhenPossible(*process, conninfo, password_file, schema)) return absl::OkStatus();

  Metrics& metrics = process->metrics();
  PgPool pool(
      {.conninfo = conninfo,
       .password_file = password_file,
       .connections = settings.database_connections,
       .observe = [took = metrics.GetHistogram("penstock_database_seconds")](Duration time) {
         took.Observe(std::chrono::duration<double>(time).count());
       }});
  Housekeeping housekeeping(pool, metrics, process->readiness(),
                            {.lease = duration_cast<milliseconds>(settings.lease),
                             .slack = duration_cast<milliseconds>(settings.grant_slack)},
                            settings.watch_interval, settings.metric_labels);
  process->readiness().Add("database", [&housekeeping] { return housekeeping.health(); });
  DeliveryEngine engine(pool);
  auto hub = std::make_unique<RunHub>(pool);
  PgListener listener(
      conninfo, kRunsChannel, [&](std::string_view run) { hub->Notify(run); }, password_file);
  const auto collecting = metrics.OnCollect([&pool, &metrics] {
    metrics.GetGauge("penstock_database_waiting").Set(static_cast<double>(pool.waiting()));
    metrics.GetGauge("penstock_database_connections", {"busy"}).Set(pool.busy());
    metrics.GetGauge("penstock_database_connections", {"idle"})
        .Set(pool.connections() - pool.busy());
  });

  PlanningService planning(pool, *hub, metrics);
  ExtractionService extraction(pool, duration_cast<milliseconds>(settings.lease));
  DeliveryService delivery(pool, engine);
  MembershipService membership(pool);
  grpc::Service* const services[] = {&planning, &extraction, &delivery, &membership};
  PENSTOCK_ASSIGN_OR_RETURN(auto server, process->StartServer(settings.serve, services));
  process->ServeUntilSignal(server->port());
  server->SetServing(false);
  hub->EndStreams();
  delivery.EndStreams();
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
