#include "services/common/model/config_keys.h"

#include <algorithm>
#include <set>

#include "services/common/model/manifest_text.h"

namespace penstock {
namespace {

void AddConfigWords(const std::vector<ManifestPiece>& pieces, std::set<std::string>& out) {
  for (const ManifestPiece& piece : pieces) {
    if (piece.is_word && piece.text.starts_with("config.")) out.insert(piece.text.substr(7));
  }
}

void AddConfigWords(const RequestTemplate& request, std::set<std::string>& out) {
  std::vector<std::string> ignored;
  for (const ManifestWord& word : WordsOf(request, ignored)) {
    if (word.word.starts_with("config.")) out.insert(word.word.substr(7));
  }
}

std::set<std::string> ConfigInRequests(const Connector& connector) {
  std::set<std::string> out;
  for (const auto& [name, object] : connector.objects) {
    for (const auto& [operation, spec] : object.operations) {
      AddConfigWords(spec.request, out);
      if (spec.resolve) AddConfigWords(spec.resolve->request, out);
    }
  }
  return out;
}

std::vector<ConfigKey> PostgresKeys() {
  return {{"host", true, "the server"},
          {"database", true, "the database"},
          {"user", true, "who writes"},
          {"port", false, "5432 when absent"},
          {"password", false, "of the user"},
          {"tls", false, "disable, prefer, require, verify-ca or verify-full"},
          {"tls_ca", false, "a file of authorities to trust"}};
}

}  // namespace

std::set<std::string> ConfigInAuth(const Connector& connector) {
  std::set<std::string> out;
  for (const auto& [name, text] : connector.auth) {
    std::vector<std::string> ignored;
    AddConfigWords(SplitManifestText(text, ignored), out);
  }
  return out;
}

std::vector<ConfigKey> ConfigKeysOf(const Connector& connector) {
  if (connector.native == "postgres") return PostgresKeys();
  std::vector<ConfigKey> keys;
  const bool has_url = !connector.base_url.empty();
  keys.push_back(
      {"base_url", !has_url, has_url ? "in place of " + connector.base_url : "where the API is"});
  const std::set<std::string> in_requests = ConfigInRequests(connector);
  for (const std::string& name : ConfigInAuth(connector)) {
    if (!in_requests.contains(name)) keys.push_back({name, true, "for its auth"});
  }
  for (const std::string& name : in_requests) keys.push_back({name, true, "for its requests"});
  keys.push_back(
      {"auth", false,
       connector.auth.empty() ? "how requests are authorised" : "in place of the connector's"});
  keys.push_back({"tls_ca", false, "a file of authorities to trust"});
  keys.push_back({"test_path", false, "a path that answers 2xx to a GET, for penstock test"});
  std::stable_partition(keys.begin(), keys.end(),
                        [](const ConfigKey& key) { return key.required; });
  return keys;
}

}  // namespace penstock
