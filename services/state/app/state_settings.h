#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "services/common/config/service_config.h"
#include "services/common/config/service_settings.h"

namespace penstock::state {

// The configuration of the state service.
struct StateServiceSettings {
  ProcessSettings process{.admin_listen = "127.0.0.1:9091"};
  ServeSettings serve{.listen = "127.0.0.1:7071"};
  Secret database{"postgresql:///penstock"};
  std::string database_password_file;
  int database_connections = 8;
  Duration lease = std::chrono::seconds(30);
  Duration grant_slack = std::chrono::seconds(5);
  Duration watch_interval = std::chrono::seconds(1);
  std::vector<std::string> metric_labels;

  void AddTo(ServiceConfig& config);
};

}  // namespace penstock::state
