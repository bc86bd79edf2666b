#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/config/service_settings.h"
#include "services/common/redis/redis_options.h"
#include "services/common/rpc/peer_probe.h"

namespace grpc {
class Channel;
}

namespace penstock {

class Metrics;
class TlsWatch;

// Another service, as this one calls it: a channel, and why that is down.
struct PeerLink {
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<PeerProbe> probe;
};

// How a service calls others: with one certificate, whose files are looked at once for all.
class Peers {
 public:
  // Errors are those of TlsWatch::Open(). `metrics` outlives what is made by this.
  static absl::StatusOr<Peers> Open(const PeerTlsSettings& settings, ByteSize max_message,
                                    Metrics& metrics);
  // Errors are those of MakeChannel(). `tls_name` may be empty.
  absl::StatusOr<PeerLink> Link(const std::string& service,
                                const std::vector<std::string>& addresses,
                                const std::string& tls_name) const;

 private:
  PeerTlsSettings settings_;
  ByteSize max_message_;
  std::shared_ptr<TlsWatch> tls_;
};

// Errors are those of ParseRedisUrl().
absl::StatusOr<RedisOptions> RedisOptionsOf(const RedisSettings& settings);

}  // namespace penstock
