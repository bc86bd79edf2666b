#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/config/secrets.h"
#include "services/common/net/http_client.h"
#include "services/loader/app/loader_settings.h"
#include "services/loader/destinations/http/http_auth.h"
#include "services/loader/destinations/postgres/postgres_sessions.h"

namespace penstock::loader {

// How one destination is reached.
struct ConnectionSettings {
  std::string native;  // the connector's C++ implementation; empty: HTTP
  Config config;
  Config auth;                       // the Destination's, else the connector's
  std::string base_url;              // HTTP
  std::vector<std::string> secrets;  // those in config, which must not be shown
  friend bool operator==(const ConnectionSettings&, const ConnectionSettings&) = default;
};

// With references to secrets replaced: never to be shown. SECRET_NOT_FOUND.
absl::StatusOr<ConnectionSettings> ResolveSettings(const Secrets& secrets,
                                                   const Connector& connector,
                                                   const Destination& destination);
// With asterisks in place of whatever holds a reference: to show people, and to check what can be
// checked without secrets.
ConnectionSettings MaskedSettings(const Connector& connector, const Destination& destination);

// Where the credentials of its requests come from, for people: "${secret:t} (config.token)"; empty:
// from no secret.
std::string CredentialReferences(const Connector& connector, const Destination& destination);

// A destination's own connections, which no other destination can use up.
struct Connection {
  ConnectionSettings settings;
  std::unique_ptr<HttpClient> http;            // HTTP
  std::unique_ptr<HttpAuth> auth;              // HTTP
  std::shared_ptr<PostgresSessions> postgres;  // native "postgres"
};

// Nothing is connected yet. `tokens`: those in use, for whoever has the same credentials.
// INVALID_CONFIGURATION, NOT_SUPPORTED_YET.
absl::StatusOr<std::shared_ptr<Connection>> MakeConnection(
    const boost::asio::any_io_executor& executor, const LoaderSettings& loader,
    ConnectionSettings settings, OAuthTokens& tokens);

}  // namespace penstock::loader
