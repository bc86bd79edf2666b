#include "services/common/process/service_process.h"

#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "services/common/core/status.h"
#include "services/common/core/version.h"
#include "services/common/obs/admin_server.h"
#include "services/common/obs/log.h"
#include "services/common/obs/process_metrics.h"
#include "services/common/rpc/rpc_server.h"

namespace penstock {
namespace {

constexpr std::chrono::hours kCountersKept{48};

sigset_t EndingSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

ServiceProcess::ServiceProcess(std::span<const MetricSpec> metrics)
    : metrics_(metrics), collecting_(metrics_.OnCollect([this] { UpdateMetrics(); })) {}

ServiceProcess::~ServiceProcess() = default;

absl::StatusOr<std::unique_ptr<ServiceProcess>> ServiceProcess::Start(
    ServiceKind service, const ProcessSettings& settings, std::span<const MetricSpec> metrics) {
  const sigset_t ending = EndingSignals();
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  PENSTOCK_ASSIGN_OR_RETURN(const LogLevel level, ParseLogLevel(settings.log_level));
  StartLog(Name(service), level);
  SetLogData(settings.log_data);
  std::unique_ptr<ServiceProcess> process(new ServiceProcess(metrics));
  PENSTOCK_ASSIGN_OR_RETURN(
      process->admin_,
      AdminServer::Start(settings.admin_listen, process->metrics_, process->readiness_));
  return process;
}

absl::StatusOr<std::unique_ptr<RpcServer>> ServiceProcess::StartServer(
    const ServeSettings& settings, std::span<grpc::Service* const> services, bool internal) {
  const RpcServerOptions options{
      .listen = settings.listen,
      .tls = {.ca_file = settings.tls_client_ca_file,
              .cert_file = settings.tls_cert_file,
              .key_file = settings.tls_key_file},
      .own_authority = internal,
      .max_message_bytes = settings.max_message.bytes,
      .max_connection_age =
          std::chrono::duration_cast<std::chrono::milliseconds>(settings.max_connection_age),
      .metrics = &metrics_};
  auto server = RpcServer::Start(options, services);
  // The process is about to end, and the parts that its checks ask go first.
  if (!server.ok()) readiness_.Drain();
  return server;
}

void ServiceProcess::UpdateMetrics() {
  UpdateProcessMetrics(metrics_);
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
    Counter lines = metrics_.GetCounter("penstock_log_lines_total", {Name(level)});
    lines.Add(static_cast<double>(LogLines(level)) - lines.Value());
  }
  const Counter folded = metrics_.GetCounter("penstock_metric_series_folded_total");
  folded.Add(static_cast<double>(metrics_.folded()) - folded.Value());
  std::vector<GaugeValue> ready;
  for (const auto& [check, status] : readiness_.Results())
    ready.push_back({{check}, status.ok() ? 1.0 : 0.0});
  metrics_.SetGauges("penstock_ready", ready);
  // What no run of a Sync has counted for so long is of no use to a rate, and the Sync may be gone.
  metrics_.DropCounters(
      "sync", [](std::string_view, std::chrono::nanoseconds idle) { return idle > kCountersKept; });
}

bool ServiceProcess::SignalWithin(Duration time) {
  const sigset_t ending = EndingSignals();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const timespec wait{.tv_sec = seconds.count(), .tv_nsec = (time - seconds).count()};
  if (sigtimedwait(&ending, nullptr, &wait) <= 0) return false;
  readiness_.Drain();
  return true;
}

void ServiceProcess::ServeUntilSignal(uint16_t port) {
  LogInfo(
      "serving", "ready for calls",
      {{"port", port}, {"admin_port", admin_->port()}, {"version", std::string_view(kVersion)}});
  const sigset_t ending = EndingSignals();
  int signal = 0;
  sigwait(&ending, &signal);
  readiness_.Drain();
  LogInfo("draining", "takes no new work and ends", {{"signal", signal}});
}

int ServiceProcess::Fail(std::string_view service, const absl::Status& status) {
  std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(service.size()), service.data(),
               std::string(status.message()).c_str());
  constexpr int kRefusedConfiguration = 2;
  return CodeOf(status) == ErrorCode::kINVALID_CONFIGURATION ? kRefusedConfiguration : 1;
}

}  // namespace penstock
