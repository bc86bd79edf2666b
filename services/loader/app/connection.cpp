#include "services/loader/app/connection.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/core/status.h"
#include "services/common/model/auth.h"
#include "services/common/model/config_keys.h"

namespace penstock::loader {
namespace {

// In place of a URL that is a secret.
constexpr std::string_view kMaskedUrl = "https://masked.invalid";

// `text` with ${config.NAME} replaced by the Destination's value.
absl::StatusOr<std::string> FillConfig(const std::string& text, const Config& config) {
  constexpr std::string_view kBegin = "${config.";
  std::string out;
  size_t at = 0;
  for (;;) {
    const size_t begin = text.find(kBegin, at);
    const size_t end = begin == std::string::npos ? begin : text.find('}', begin);
    if (end == std::string::npos) return out + text.substr(at);
    const std::string name = text.substr(begin + kBegin.size(), end - begin - kBegin.size());
    const auto value = config.find(name);
    if (value == config.end()) {
      return Error(ErrorCode::kINVALID_CONFIGURATION,
                   "config." + name + " is missing: the connector's auth needs it");
    }
    out += text.substr(at, begin - at) + value->second;
    at = end + 1;
  }
}

// The part of a Destination's config below "auth.", without it; else the connector's auth, filled
// with the config. References to secrets in `config` were replaced before, and what a secret holds
// is never looked into again.
absl::StatusOr<Config> AuthOf(const Connector& connector, const Config& config) {
  Config auth = OwnAuth(config);
  if (!auth.empty()) return auth;
  for (const auto& [name, text] : connector.auth) {
    PENSTOCK_ASSIGN_OR_RETURN(auth[name], FillConfig(text, config));
  }
  return auth;
}

std::string BaseUrlOf(const Connector& connector, const Config& config) {
  const auto own = config.find("base_url");
  return own == config.end() ? connector.base_url : own->second;
}

bool HoldsReference(const std::string& text) {
  return text.find("${secret:") != std::string::npos || text.find("${env:") != std::string::npos;
}

HttpClientOptions ClientOptions(const LoaderSettings& loader, const Config& config) {
  HttpClientOptions options;
  options.proxies = loader.proxies;
  options.connect_timeout = loader.connect_timeout;
  options.max_connections = static_cast<size_t>(loader.max_concurrency);
  if (const auto ca = config.find("tls_ca"); ca != config.end()) options.ca_file = ca->second;
  return options;
}

// Who has the same credentials, and trusts the same authorities, has the same token.
absl::StatusOr<std::shared_ptr<OAuthToken>> TokenOf(const boost::asio::any_io_executor& executor,
                                                    const HttpClientOptions& options,
                                                    const Config& auth, OAuthTokens& tokens) {
  std::erase_if(tokens, [](const auto& entry) { return entry.second.expired(); });
  Config key = auth;
  key["tls_ca"] = options.ca_file;
  std::weak_ptr<OAuthToken>& known = tokens[key];
  if (std::shared_ptr<OAuthToken> token = known.lock()) return token;
  PENSTOCK_ASSIGN_OR_RETURN(auto client, HttpClient::Create(executor, options));
  PENSTOCK_ASSIGN_OR_RETURN(std::shared_ptr<OAuthToken> token,
                            OAuthToken::Make(executor, auth, std::move(client), Clock::System()));
  known = token;
  return token;
}

Config Masked(Config config) {
  for (auto& [name, value] : config) {
    if (HoldsReference(value)) value = kMask;
  }
  return config;
}

}  // namespace

absl::StatusOr<ConnectionSettings> ResolveSettings(const Secrets& secrets,
                                                   const Connector& connector,
                                                   const Destination& destination) {
  ConnectionSettings out{.native = connector.native};
  PENSTOCK_ASSIGN_OR_RETURN(out.config, secrets.Resolve(destination.config));
  PENSTOCK_ASSIGN_OR_RETURN(out.auth, AuthOf(connector, out.config));
  out.base_url = BaseUrlOf(connector, out.config);
  for (const auto& [name, text] : destination.config) {
    if (HoldsReference(text)) out.secrets.push_back(out.config.at(name));
  }
  return out;
}

std::string CredentialReferences(const Connector& connector, const Destination& destination) {
  std::set<std::string> names;
  for (const auto& [name, value] : OwnAuth(destination.config)) names.insert("auth." + name);
  if (names.empty()) names = ConfigInAuth(connector);
  std::string out;
  for (const std::string& name : names) {
    const auto found = destination.config.find(name);
    if (found == destination.config.end() || !HoldsReference(found->second)) continue;
    absl::StrAppend(&out, out.empty() ? "" : ", ", found->second, " (config.", name, ")");
  }
  return out;
}

ConnectionSettings MaskedSettings(const Connector& connector, const Destination& destination) {
  ConnectionSettings out{.native = connector.native, .config = Masked(destination.config)};
  // A missing value shows as no auth at all; who connects says what is missing.
  if (auto auth = AuthOf(connector, out.config); auth.ok()) out.auth = *std::move(auth);
  out.base_url = BaseUrlOf(connector, out.config);
  if (out.base_url == kMask) out.base_url = kMaskedUrl;
  if (auto url = out.auth.find("token_url"); url != out.auth.end() && url->second == kMask) {
    url->second = kMaskedUrl;
  }
  // A mask stands for no bytes.
  if (auto secret = out.auth.find("secret"); secret != out.auth.end() && secret->second == kMask) {
    out.auth.erase("secret_encoding");
  }
  return out;
}

absl::StatusOr<std::shared_ptr<Connection>> MakeConnection(
    const boost::asio::any_io_executor& executor, const LoaderSettings& loader,
    ConnectionSettings settings, OAuthTokens& tokens) {
  auto out = std::make_shared<Connection>();
  out->settings = std::move(settings);
  const Config& config = out->settings.config;
  if (out->settings.native == "postgres") {
    PENSTOCK_ASSIGN_OR_RETURN(std::string text, PostgresConnectionString(config));
    out->postgres = std::make_shared<PostgresSessions>(
        std::move(text), static_cast<size_t>(loader.postgres_sessions));
    return out;
  }
  if (!out->settings.native.empty()) {
    return Error(
        ErrorCode::kNOT_SUPPORTED_YET,
        "this loader has no native connector \"" + out->settings.native + "\": upgrade the loader");
  }
  const HttpClientOptions options = ClientOptions(loader, config);
  PENSTOCK_ASSIGN_OR_RETURN(out->http, HttpClient::Create(executor, options));
  std::shared_ptr<OAuthToken> token;
  if (const auto type = out->settings.auth.find("type");
      type != out->settings.auth.end() && type->second == "oauth2") {
    PENSTOCK_ASSIGN_OR_RETURN(token, TokenOf(executor, options, out->settings.auth, tokens));
  }
  PENSTOCK_ASSIGN_OR_RETURN(out->auth, HttpAuth::Make(out->settings.auth, out->settings.secrets,
                                                      std::move(token), Clock::System()));
  return out;
}

}  // namespace penstock::loader
