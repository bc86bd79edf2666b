#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"
#include "services/common/config/service_settings.h"
#include "services/common/obs/catalogue.h"
#include "services/common/obs/metrics.h"
#include "services/common/obs/readiness.h"

namespace grpc {
class Service;
}

namespace penstock {

class AdminServer;
class RpcServer;

// What every service's process has: its log, metrics, readiness, the admin port, and the signals
// that end it.
class ServiceProcess {
 public:
  // Call before any thread is started: SIGTERM and SIGINT are blocked in all of them, and SIGPIPE
  // is ignored.
  // `metrics`: what it exposes, as a rule MetricsOf(service).
  static absl::StatusOr<std::unique_ptr<ServiceProcess>> Start(ServiceKind service,
                                                               const ProcessSettings& settings,
                                                               std::span<const MetricSpec> metrics);
  ~ServiceProcess();

  // A gRPC server with these services, whose calls the process' metrics observe. Errors are those
  // of RpcServer::Start.
  // `internal`: the callers are other services, so all certificates are of the same authorities.
  absl::StatusOr<std::unique_ptr<RpcServer>> StartServer(const ServeSettings& settings,
                                                         std::span<grpc::Service* const> services,
                                                         bool internal = true);

  Metrics& metrics() { return metrics_; }
  Readiness& readiness() { return readiness_; }

  // Waits for a signal that ends the process, at most so long, and then turns not ready. False:
  // none came.
  bool SignalWithin(Duration time);
  // Says where the service listens, waits for SIGTERM or SIGINT, then turns not ready.
  void ServeUntilSignal(uint16_t port);

  // Prints an error that ends the process as one line, and returns its exit code: 2 for a refused
  // configuration, else 1.
  static int Fail(std::string_view service, const absl::Status& status);

 private:
  explicit ServiceProcess(std::span<const MetricSpec> metrics);
  void UpdateMetrics();

  Metrics metrics_;
  Readiness readiness_;
  const Metrics::Collecting collecting_;
  std::unique_ptr<AdminServer> admin_;
};

}  // namespace penstock
