#pragma once

#include <string>
#include <vector>

#include "services/common/config/service_config.h"
#include "services/common/core/clock.h"

namespace penstock {

// Groups of options that services have in common. A service's settings hold the groups it needs and
// add them, so an option has one name, default and explanation everywhere.

struct ProcessSettings {
  std::string admin_listen = "127.0.0.1:9090";
  std::string log_level = "info";
  bool log_data = false;
  Duration grace_period = std::chrono::seconds(25);
  void AddTo(ServiceConfig& config);
};

struct ServeSettings {
  std::string listen = "127.0.0.1:7070";
  std::string tls_cert_file;
  std::string tls_key_file;
  // Set: clients must show a certificate of these authorities.
  std::string tls_client_ca_file;
  // Serve beyond loopback without TLS that knows its callers.
  bool insecure = false;
  ByteSize max_message{16 << 20};
  Duration max_connection_age = std::chrono::seconds(30);
  void AddTo(ServiceConfig& config);
};

// TLS of calls to other services.
struct PeerTlsSettings {
  std::string ca_file;
  std::string cert_file;
  std::string key_file;
  void AddTo(ServiceConfig& config);
};

// How to call the state service.
struct StateSettings {
  std::vector<std::string> addresses = {"127.0.0.1:7071"};
  std::string tls_name;
  Duration call_timeout = std::chrono::seconds(10);
  void AddTo(ServiceConfig& config);
};

struct RedisSettings {
  Secret url{"redis://127.0.0.1:6379"};
  std::string ca_file;
  std::string password_file;
  std::string prefix = "penstock";
  Duration command_timeout = std::chrono::seconds(5);
  void AddTo(ServiceConfig& config);
};

struct LeaseSettings {
  Duration lease = std::chrono::seconds(30);
  Duration heartbeat = std::chrono::seconds(10);
  Duration grant_margin = std::chrono::seconds(5);
  void AddTo(ServiceConfig& config);
};

}  // namespace penstock
