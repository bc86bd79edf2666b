#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "services/common/config/service_config.h"
#include "services/common/config/service_settings.h"

namespace penstock::planner {

// The configuration of the planner.
struct PlannerSettings {
  ProcessSettings process;
  ServeSettings serve;
  PeerTlsSettings peer_tls;
  StateSettings state;
  RedisSettings redis;
  std::vector<std::string> extractors = {"127.0.0.1:7072"};
  std::string extractors_tls_name;
  std::vector<std::string> loaders = {"127.0.0.1:7073"};
  std::string loaders_tls_name;
  Duration reconcile_interval = std::chrono::seconds(5);
  Duration test_interval = std::chrono::seconds(30);
  Duration worker_wait = std::chrono::minutes(1);
  Duration read_backoff = std::chrono::seconds(1);
  std::string api_token_file;

  void AddTo(ServiceConfig& config);
};

}  // namespace penstock::planner
