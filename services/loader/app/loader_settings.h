#pragma once

#include <chrono>
#include <string>

#include "services/common/config/service_config.h"
#include "services/common/config/service_settings.h"
#include "services/common/net/proxy.h"

namespace penstock::loader {

// The configuration of the loader.
struct LoaderSettings {
  ProcessSettings process{.admin_listen = "127.0.0.1:9093"};
  ServeSettings serve{.listen = "127.0.0.1:7073"};
  PeerTlsSettings peer_tls;
  StateSettings state;
  RedisSettings redis;
  std::string secrets_dir = "/etc/penstock/secrets";

  Duration attempt_timeout = std::chrono::seconds(20);
  Duration connect_timeout = std::chrono::seconds(10);
  Duration grant_margin = std::chrono::seconds(10);
  Duration claim_idle = std::chrono::seconds(60);
  Duration poll_interval = std::chrono::seconds(1);
  Duration connection_refresh = std::chrono::seconds(5);
  Duration retry_base = std::chrono::milliseconds(500);
  Duration retry_cap = std::chrono::seconds(30);
  Duration breaker_open = std::chrono::seconds(1);
  Duration park_after_failing = std::chrono::minutes(5);
  Duration park_for = std::chrono::minutes(5);
  int destination_batches = 64;
  ByteSize destination_memory{64 << 20};
  ByteSize total_memory{512 << 20};
  int initial_concurrency = 4;
  int max_concurrency = 200;
  int postgres_sessions = 4;
  ProxyRules proxies;  // of the environment

  void AddTo(ServiceConfig& config);
};

}  // namespace penstock::loader
