#pragma once

#include <memory>
#include <optional>
#include <string>

#include "services/common/rpc/rpc_tls.h"
#include "services/common/testing/free_port.h"
#include "services/common/testing/postgres_server.h"
#include "services/common/testing/redis_server.h"
#include "services/common/testing/temp_dir.h"
#include "tests/scenarios/cluster.h"
#include "tests/support/tls/authority.h"

namespace penstock::testing {

inline constexpr const char* kToken = "PenstockTestTokenOne";

// A cluster with everything closed: the API by client certificate and token, mutual TLS between the
// services, Redis and PostgreSQL by TLS, user and password file. Certificates and authorities are
// files that a test replaces as an operator does.
class SecureCluster {
 public:
  // `connection_age`: how soon clients are asked to connect anew, and so to shake hands again.
  explicit SecureCluster(const std::string& connection_age = "30m");

  scenario::Cluster& services() { return *cluster_; }
  const test::Authority& authority() const { return authority_; }

  // Replaces the authorities that all services trust, as PEM.
  void Trust(const std::string& authorities);
  // Gives all services new certificates by this authority: those they show when they call, or those
  // they serve with.
  void IssuePeers(const test::Authority& authority);
  void IssueServers(const test::Authority& authority);

  // Files of a caller with a certificate by this authority who trusts these.
  TlsFiles Caller(const std::string& name, const test::Authority& authority,
                  const std::string& authorities);

 private:
  void Replace(const std::string& name, const std::string& content);
  void Give(const std::string& name, const test::Authority::Pair& pair);
  void StartStores();

  TempDir dir_{"secure-cluster"};
  test::Authority authority_{"First authority"};
  uint16_t redis_tls_port_ = FreePort();
  std::optional<RedisServer> redis_;
  std::optional<PostgresServer> postgres_;
  std::optional<scenario::Cluster> cluster_;
};

}  // namespace penstock::testing
