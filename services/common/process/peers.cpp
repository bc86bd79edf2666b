#include "services/common/process/peers.h"

#include <chrono>

#include "services/common/core/status.h"

namespace penstock {

TlsFiles PeerTlsFiles(const PeerTlsSettings& settings) {
  return {
      .ca_file = settings.ca_file, .cert_file = settings.cert_file, .key_file = settings.key_file};
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
