#include "services/common/rpc/rpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/server_interceptor.h>

#include <mutex>
#include <vector>

#include "fmt/format.h"
#include "services/common/core/status.h"
#include "services/common/rpc/grpc_log.h"
#include "services/common/rpc/rpc_metrics.h"
#include "services/common/rpc/tls_watch.h"

namespace penstock {
namespace {

constexpr int kKeepaliveMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
// Clients may ping this often without being taken for an attack; they are set to kKeepaliveMs.
constexpr int kMinPingIntervalMs = 10'000;

void InstallPlugins() {
  static std::once_flag once;
  std::call_once(once, [] {
    RouteGrpcLog();
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
}

}  // namespace

RpcServer::RpcServer(std::unique_ptr<TlsWatch> tls, std::unique_ptr<grpc::Server> server,
                     uint16_t port)
    : tls_(std::move(tls)), server_(std::move(server)), port_(port) {}

RpcServer::~RpcServer() {
  Shutdown(std::chrono::milliseconds(0));
}

absl::StatusOr<std::unique_ptr<RpcServer>> RpcServer::Start(
    const RpcServerOptions& options, std::span<grpc::Service* const> services) {
  InstallPlugins();
  PENSTOCK_ASSIGN_OR_RETURN(std::unique_ptr<TlsWatch> tls,
                            TlsWatch::Open({.files = options.tls,
                                            .use = TlsUse::kServer,
                                            .own_authority = options.own_authority,
                                            .metrics = options.metrics}));
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(options.listen, tls->ServerCredentials(), &port);
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  builder.SetMaxSendMessageSize(static_cast<int>(options.max_message_bytes));
  // Two servers on one port would share its connections silently.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinPingIntervalMs);
  // Streams in progress are not cut: no grace is set.
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                             static_cast<int>(options.max_connection_age.count()));
  if (options.metrics != nullptr) {
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> observers;
    observers.push_back(MakeRpcMetrics(*options.metrics));
    builder.experimental().SetInterceptorCreators(std::move(observers));
  }
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return Error(ErrorCode::kINVALID_CONFIGURATION,
                 fmt::format("can't serve gRPC on {}: the address is taken or not this machine's",
                             options.listen));
  }
  return std::unique_ptr<RpcServer>(
      new RpcServer(std::move(tls), std::move(server), static_cast<uint16_t>(port)));
}

void RpcServer::SetServing(bool serving) {
  server_->GetHealthCheckService()->SetServingStatus(serving);
}

void RpcServer::Shutdown(std::chrono::milliseconds grace) {
  SetServing(false);
  server_->Shutdown(std::chrono::system_clock::now() + grace);
}

}  // namespace penstock
