#include "services/common/process/service_process.h"

#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "services/common/core/status.h"
#include "services/common/core/version.h"
#include "services/common/obs/admin_server.h"
#include "services/common/obs/log.h"
#include "services/common/rpc/rpc_metrics.h"
#include "services/common/rpc/rpc_server.h"

namespace penstock {
namespace {

sigset_t EndingSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

std::vector<MetricSpec> WithCalls(std::span<const MetricSpec> metrics) {
  std::vector<MetricSpec> all(metrics.begin(), metrics.end());
  all.insert(all.end(), RpcMetricSpecs().begin(), RpcMetricSpecs().end());
  return all;
}

}  // namespace

ServiceProcess::ServiceProcess(std::string_view service, std::span<const MetricSpec> metrics)
    : service_(service), metrics_(WithCalls(metrics)) {}
ServiceProcess::~ServiceProcess() = default;

absl::StatusOr<std::unique_ptr<ServiceProcess>> ServiceProcess::Start(
    std::string_view service, const ProcessSettings& settings,
    std::span<const MetricSpec> metrics) {
  const sigset_t ending = EndingSignals();
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  PENSTOCK_ASSIGN_OR_RETURN(const LogLevel level, ParseLogLevel(settings.log_level));
  StartLog(service, level);
  std::unique_ptr<ServiceProcess> process(new ServiceProcess(service, metrics));
  PENSTOCK_ASSIGN_OR_RETURN(
      process->admin_,
      AdminServer::Start(settings.admin_listen, process->metrics_, process->readiness_));
  return process;
}

absl::StatusOr<std::unique_ptr<RpcServer>> ServiceProcess::StartServer(
    const ServeSettings& settings, std::span<grpc::Service* const> services) {
  const RpcServerOptions options{
      .listen = settings.listen,
      .tls = {.ca_file = settings.tls_client_ca_file,
              .cert_file = settings.tls_cert_file,
              .key_file = settings.tls_key_file},
      .max_message_bytes = settings.max_message.bytes,
      .max_connection_age =
          std::chrono::duration_cast<std::chrono::milliseconds>(settings.max_connection_age),
      .metrics = &metrics_};
  return RpcServer::Start(options, services);
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
