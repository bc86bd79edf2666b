#include "services/common/rpc/rpc_channel.h"

#include <arpa/inet.h>
#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "services/common/core/address.h"
#include "services/common/core/status.h"
#include "services/common/rpc/tls_watch.h"

namespace penstock {
namespace {

// Kept connections are asked for their health, so a draining server gets no new calls.
constexpr const char* kServiceConfig =
    R"({"loadBalancingConfig":[{"round_robin":{}}],"healthCheckConfig":{"serviceName":""}})";

constexpr int kMaxMetadata = 1 << 20;

bool IsAddressOf(int family, const std::string& host) {
  unsigned char buffer[sizeof(in6_addr)];
  return inet_pton(family, host.c_str(), buffer) == 1;
}

// The channel and what its credentials read, which goes last.
struct WatchedChannel {
  WatchedChannel(std::shared_ptr<TlsWatch> watch, std::shared_ptr<grpc::Channel> made)
      : tls(std::move(watch)), channel(std::move(made)) {}
  const std::shared_ptr<TlsWatch> tls;
  const std::shared_ptr<grpc::Channel> channel;
};

}  // namespace

absl::StatusOr<std::string> ChannelTarget(const std::vector<std::string>& addresses) {
  if (addresses.empty())
    return Error(ErrorCode::kINVALID_CONFIGURATION, "no address is given; write host:port");
  bool v4 = true;
  bool v6 = true;
  for (const std::string& address : addresses) {
    PENSTOCK_ASSIGN_OR_RETURN(HostPort parsed, ParseHostPort(address));
    if (parsed.host.empty() || parsed.port == 0) {
      return Error(ErrorCode::kINVALID_CONFIGURATION,
                   fmt::format("\"{}\": host and port are both needed to call a service", address));
    }
    v4 = v4 && IsAddressOf(AF_INET, parsed.host);
    v6 = v6 && IsAddressOf(AF_INET6, parsed.host);
  }
  if (v4 || v6) return fmt::format("{}:{}", v4 ? "ipv4" : "ipv6", fmt::join(addresses, ","));
  if (addresses.size() == 1) return "dns:///" + addresses[0];
  return Error(ErrorCode::kINVALID_CONFIGURATION,
               fmt::format("\"{}\": several addresses must all be IPv4 or all IPv6; for names give "
                           "one that resolves to all replicas",
                           fmt::join(addresses, ",")));
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const RpcChannelOptions& options) {
  PENSTOCK_ASSIGN_OR_RETURN(std::string target, ChannelTarget(options.addresses));
  std::shared_ptr<TlsWatch> tls = options.tls_watch;
  if (tls == nullptr) {
    PENSTOCK_ASSIGN_OR_RETURN(tls, TlsWatch::Open({.files = options.tls, .use = TlsUse::kPeer}));
  }
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(kServiceConfig);
  arguments.SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  arguments.SetMaxSendMessageSize(static_cast<int>(options.max_message_bytes));
  if (!options.tls_name.empty()) {
    arguments.SetString(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, options.tls_name);
  }
  // An error's details travel in metadata, and apply tells all mistakes at once.
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadata);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // A restarted replica is found again within two seconds, a new one within ten.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 10'000);
  auto channel = grpc::CreateCustomChannel(target, tls->ChannelCredentials(), arguments);
  grpc::Channel* const raw = channel.get();
  auto watched = std::make_shared<WatchedChannel>(std::move(tls), std::move(channel));
  return std::shared_ptr<grpc::Channel>(std::move(watched), raw);
}

}  // namespace penstock
