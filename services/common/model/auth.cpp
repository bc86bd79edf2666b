#include "services/common/model/auth.h"

#include <algorithm>
#include <array>

namespace penstock {
namespace {

constexpr std::array<std::string_view, 2> kPlaces = {"header", "query"};
constexpr std::array<std::string_view, 2> kClientAuth = {"basic", "body"};
constexpr std::array<std::string_view, 3> kAlgorithms = {"sha256", "sha1", "sha512"};
constexpr std::array<std::string_view, 2> kEncodings = {"hex", "base64"};
constexpr std::array<std::string_view, 2> kSecretEncodings = {"text", "base64"};

constexpr AuthField kBasic[] = {{"user", true}, {"password", true}};
constexpr AuthField kBearer[] = {{"token", true}};
constexpr AuthField kApiKey[] = {{"name", true}, {"key", true}, {"in", false, kPlaces}};
constexpr AuthField kOAuth2[] = {
    {"token_url", true}, {"client_id", true}, {"client_secret", true},
    {"scope"},           {"audience"},        {"client_auth", false, kClientAuth}};
constexpr AuthField kHmac[] = {{"secret", true},
                               {"header", true},
                               {"value"},
                               {"signed"},
                               {"timestamp_header"},
                               {"algorithm", false, kAlgorithms},
                               {"encoding", false, kEncodings},
                               {"secret_encoding", false, kSecretEncodings}};
constexpr AuthType kTypes[] = {{"none", {}},         {"basic", kBasic},   {"bearer", kBearer},
                               {"api_key", kApiKey}, {"oauth2", kOAuth2}, {"hmac", kHmac}};

}  // namespace

std::span<const AuthType> AuthTypes() {
  return kTypes;
}

const AuthType* FindAuthType(std::string_view name) {
  const auto* found = std::find_if(std::begin(kTypes), std::end(kTypes),
                                   [&](const AuthType& type) { return type.name == name; });
  return found == std::end(kTypes) ? nullptr : found;
}

Config OwnAuth(const Config& config) {
  constexpr std::string_view kPrefix = "auth.";
  Config auth;
  for (const auto& [name, value] : config) {
    if (name.starts_with(kPrefix)) auth[name.substr(kPrefix.size())] = value;
  }
  return auth;
}

}  // namespace penstock
