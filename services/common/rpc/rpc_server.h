#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "services/common/rpc/rpc_tls.h"

namespace grpc {
class Server;
class Service;
}  // namespace grpc

namespace penstock {

class Metrics;
class TlsWatch;

struct RpcServerOptions {
  std::string listen = "127.0.0.1:0";  // port 0 takes a free one
  TlsFiles tls = {};
  // Whether `tls.ca_file` must vouch for the server's own certificate, too: callers that are
  // services of the same authority would else not find it.
  bool own_authority = false;
  size_t max_message_bytes = 16 << 20;
  std::chrono::milliseconds max_connection_age = std::chrono::seconds(30);
  // Where calls are observed (penstock_rpc_seconds); outlives the server. May be absent.
  Metrics* metrics = nullptr;
};

// A gRPC server with health service, reflection and keep-alive. Thread-safe.
class RpcServer {
 public:
  // Serves at once. The services outlive the server. INVALID_CONFIGURATION when the address can't
  // be listened on or a TLS file is wrong; files that change later are read again (tls_watch.h).
  static absl::StatusOr<std::unique_ptr<RpcServer>> Start(const RpcServerOptions& options,
                                                          std::span<grpc::Service* const> services);
  // Ends without grace if Shutdown wasn't called.
  ~RpcServer();

  uint16_t port() const { return port_; }
  // What grpc.health.v1 answers; clients of MakeChannel avoid a server that isn't serving.
  void SetServing(bool serving);
  // Takes no new calls, waits up to `grace` for those in progress, then cancels them. Blocks. Ends
  // of long streams are the services' business: end them before.
  void Shutdown(std::chrono::milliseconds grace);

 private:
  RpcServer(std::unique_ptr<TlsWatch> tls, std::unique_ptr<grpc::Server> server, uint16_t port);

  const std::unique_ptr<TlsWatch> tls_;
  std::unique_ptr<grpc::Server> server_;
  uint16_t port_;
};

}  // namespace penstock
