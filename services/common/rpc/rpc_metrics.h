#pragma once

#include <memory>

#include "services/common/obs/metrics.h"

namespace grpc::experimental {
class ServerInterceptorFactoryInterface;
}

namespace penstock {

// Observes each call by method and gRPC code as penstock_rpc_seconds. `metrics` outlives the
// server.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeRpcMetrics(
    Metrics& metrics);

}  // namespace penstock
