#include "services/common/process/peers.h"

#include <chrono>

#include "services/common/core/status.h"
#include "services/common/rpc/rpc_channel.h"
#include "services/common/rpc/tls_watch.h"

namespace penstock {

namespace {

TlsFiles FilesOf(const PeerTlsSettings& settings) {
  return {
      .ca_file = settings.ca_file, .cert_file = settings.cert_file, .key_file = settings.key_file};
}

}  // namespace

absl::StatusOr<Peers> Peers::Open(const PeerTlsSettings& settings, ByteSize max_message,
                                  Metrics& metrics) {
  Peers peers;
  peers.settings_ = settings;
  peers.max_message_ = max_message;
  PENSTOCK_ASSIGN_OR_RETURN(
      peers.tls_,
      TlsWatch::Open({.files = FilesOf(settings), .use = TlsUse::kPeer, .metrics = &metrics}));
  return peers;
}

absl::StatusOr<PeerLink> Peers::Link(const std::string& service,
                                     const std::vector<std::string>& addresses,
                                     const std::string& tls_name) const {
  PeerLink link;
  PENSTOCK_ASSIGN_OR_RETURN(link.channel, MakeChannel({.addresses = addresses,
                                                       .tls_name = tls_name,
                                                       .max_message_bytes = max_message_.bytes,
                                                       .tls_watch = tls_}));
  link.probe =
      std::make_unique<PeerProbe>(link.channel, PeerProbe::Options{.service = service,
                                                                   .addresses = addresses,
                                                                   .tls = FilesOf(settings_),
                                                                   .tls_name = tls_name});
  return link;
}

absl::StatusOr<RedisOptions> RedisOptionsOf(const RedisSettings& settings) {
  PENSTOCK_ASSIGN_OR_RETURN(RedisOptions options,
                            ParseRedisUrl(settings.url.Reveal(), settings.password_file));
  options.ca_file = settings.ca_file;
  options.command_timeout =
      std::chrono::duration_cast<std::chrono::milliseconds>(settings.command_timeout);
  return options;
}

}  // namespace penstock
