#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace penstock {

class Metrics;
class Readiness;

// The HTTP port for operators, on a thread of its own so that it answers however busy the service
// is:
//   GET /metrics  Prometheus' text format
//   GET /healthz  200 while the process lives; depends on nothing else
//   GET /readyz   200, or 503 with one reason a line
//   PUT /log-level?level=debug  changes what is logged, until the process ends; only from the
//                 process's own host, so in Kubernetes by `kubectl port-forward`
// Connections are few, short (10 s idle) and bounded (64); bodies are refused. Stops at
// destruction.
class AdminServer {
 public:
  // `listen` is address:port; port 0 takes a free one. INVALID_CONFIGURATION when it can't be
  // listened on. Both references outlive the server.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Start(std::string_view listen,
                                                            const Metrics& metrics,
                                                            const Readiness& readiness);
  ~AdminServer();
  uint16_t port() const;

 private:
  class Impl;
  explicit AdminServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock
