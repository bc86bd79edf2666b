#include "tests/integration/security/secure_cluster.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

#include "fmt/format.h"
#include "services/common/testing/child_process.h"
#include "tests/integration/security/programs.h"

namespace penstock::testing {
namespace {

// Every address of the cluster is one.
constexpr const char* kAddress = "127.0.0.1";

}  // namespace

SecureCluster::SecureCluster(const std::string& connection_age) {
  Trust(authority_.Pem());
  IssuePeers(authority_);
  IssueServers(authority_);
  WriteFile(dir_ / "tokens", std::string("ci:") + kToken + "\n");
  WriteFile(dir_ / "password", "OnePassword\n");
  StartStores();
  const std::string ca = dir_ / "ca.pem";
  scenario::Cluster::Settings settings;
  for (const std::string& service : kServices) {
    settings[service] = {{"tls_cert_file", dir_ / (service + "-server.pem")},
                         {"tls_key_file", dir_ / (service + "-server.key")},
                         {"tls_client_ca_file", ca},
                         {"max_connection_age", connection_age}};
    if (service == "state") continue;
    settings[service].merge(std::map<std::string, std::string>{
        {"peer_tls_ca_file", ca},
        {"peer_tls_cert_file", dir_ / (service + "-peer.pem")},
        {"peer_tls_key_file", dir_ / (service + "-peer.key")},
        {"redis_url", fmt::format("rediss://worker@{}:{}", kAddress, redis_tls_port_)},
        {"redis_ca_file", dir_ / "stores-ca.pem"},
        {"redis_password_file", dir_ / "password"}});
  }
  settings["planner"]["api_token_file"] = dir_ / "tokens";
  settings["state"]["database"] = fmt::format(
      "host={} port={} user=penstock dbname=penstock sslmode=verify-full sslrootcert={}", kAddress,
      postgres_->port(), (dir_ / "stores-ca.pem").string());
  settings["state"]["database_password_file"] = dir_ / "password";
  cluster_.emplace(settings, std::vector<std::string>{"state", "planner", "extractor", "loader"},
                   std::set<std::string>());
}

void SecureCluster::StartStores() {
  WriteFile(dir_ / "stores-ca.pem", authority_.Pem());
  const test::Authority::Pair pair = authority_.Issue({kAddress});
  WriteFile(dir_ / "stores.pem", pair.cert);
  WriteFile(dir_ / "stores.key", pair.key);
  redis_.emplace(RedisServer::Options{
      {"--maxmemory", "64mb", "--tls-port", std::to_string(redis_tls_port_), "--tls-cert-file",
       dir_ / "stores.pem", "--tls-key-file", dir_ / "stores.key", "--tls-ca-cert-file",
       dir_ / "stores-ca.pem", "--tls-auth-clients", "no"}});
  redis_->Command({"ACL", "SETUSER", "worker", "on", ">OnePassword", "~penstock*", "&*", "+@all"});
  chmod((dir_ / "stores.key").c_str(), 0600);
  if (const auto user = UnprivilegedUser()) {
    if (chown((dir_ / "stores.key").c_str(), user->first, user->second) != 0)
      throw std::runtime_error("can't hand the key to PostgreSQL's user");
  }
  WriteFile(dir_ / "hba",
            "host all postgres 127.0.0.1/32 trust\n"
            "hostssl penstock penstock 127.0.0.1/32 scram-sha-256\n");
  postgres_.emplace(PostgresServer::Options{
      {"ssl=on", "ssl_cert_file=" + (dir_ / "stores.pem").string(),
       "ssl_key_file=" + (dir_ / "stores.key").string(), "hba_file=" + (dir_ / "hba").string()}});
  postgres_->Sql("CREATE ROLE penstock LOGIN PASSWORD 'OnePassword'");
  postgres_->Sql("CREATE DATABASE penstock OWNER penstock");
}

void SecureCluster::Replace(const std::string& name, const std::string& content) {
  WriteFile(dir_ / "new", content);
  std::filesystem::rename(dir_ / "new", dir_ / name);
}

void SecureCluster::Give(const std::string& name, const test::Authority::Pair& pair) {
  Replace(name + ".pem", pair.cert);
  Replace(name + ".key", pair.key);
}

void SecureCluster::Trust(const std::string& authorities) {
  Replace("ca.pem", authorities);
}

void SecureCluster::IssuePeers(const test::Authority& authority) {
  for (const std::string& service : kServices)
    Give(service + "-peer", authority.Issue({"penstock-" + service}));
}

void SecureCluster::IssueServers(const test::Authority& authority) {
  for (const std::string& service : kServices)
    Give(service + "-server", authority.Issue({kAddress, "penstock-" + service}));
}

TlsFiles SecureCluster::Caller(const std::string& name, const test::Authority& authority,
                               const std::string& authorities) {
  const std::string base = "caller-" + name;
  Give(base, authority.Issue({name}));
  Replace(base + "-ca.pem", authorities);
  return {.ca_file = dir_ / (base + "-ca.pem"),
          .cert_file = dir_ / (base + ".pem"),
          .key_file = dir_ / (base + ".key")};
}

}  // namespace penstock::testing
