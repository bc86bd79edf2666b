#include "services/common/rpc/rpc_metrics.h"

#include <grpcpp/support/server_interceptor.h>

#include <chrono>
#include <string>

#include "services/common/core/status.h"

namespace penstock {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

class CallObserver final : public Interceptor {
 public:
  CallObserver(Metrics& metrics, const char* method) : metrics_(metrics), method_(method) {}

  void Intercept(InterceptorBatchMethods* batch) override {
    if (batch->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun_;
      auto code = static_cast<absl::StatusCode>(batch->GetSendStatus().error_code());
      std::string name = absl::StatusCodeToString(code);
      metrics_.GetHistogram("penstock_rpc_seconds", {method_, name}).Observe(took.count());
    }
    batch->Proceed();
  }

 private:
  Metrics& metrics_;
  const std::string method_;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

class Factory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit Factory(Metrics& metrics) : metrics_(metrics) {}
  Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    return new CallObserver(metrics_, info->method());
  }

 private:
  Metrics& metrics_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeRpcMetrics(
    Metrics& metrics) {
  return std::make_unique<Factory>(metrics);
}

}  // namespace penstock
