#pragma once

#include <memory>
#include <span>

#include "services/common/obs/metrics.h"

namespace grpc::experimental {
class ServerInterceptorFactoryInterface;
}

namespace penstock {

// The metrics of served calls, for the service's list.
std::span<const MetricSpec> RpcMetricSpecs();

// Observes each call by method and gRPC code. `metrics` outlives the server and has the specs
// above.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeRpcMetrics(
    Metrics& metrics);

}  // namespace penstock
