#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/rpc/rpc_tls.h"

namespace grpc {
class Channel;
}

namespace penstock {

class TlsWatch;

struct RpcChannelOptions {
  // Replicas of one service: either one host:port, whose name may resolve to many, or several
  // ip:port.
  std::vector<std::string> addresses;
  TlsFiles tls = {};
  // To expect in the replicas' certificates instead of the name in `addresses`.
  std::string tls_name = {};
  size_t max_message_bytes = 16 << 20;
  // Instead of `tls`, where several channels have the same files.
  std::shared_ptr<TlsWatch> tls_watch = {};
};

// A channel that spreads calls over all replicas in turn, leaves out those that aren't reachable or
// drain, and notices dead connections by keep-alive. INVALID_CONFIGURATION when an address or file
// is wrong; nothing is connected yet. TLS files that change are read again for new connections
// (tls_watch.h).
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const RpcChannelOptions& options);

// The target string that gRPC gets: dns:///name:port or ipv4:a:1,b:2.
absl::StatusOr<std::string> ChannelTarget(const std::vector<std::string>& addresses);

}  // namespace penstock
