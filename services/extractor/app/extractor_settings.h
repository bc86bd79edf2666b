#pragma once

#include <chrono>
#include <string>

#include "services/common/config/service_config.h"
#include "services/common/config/service_settings.h"

namespace penstock::extractor {

// The configuration of the extractor.
struct ExtractorSettings {
  ProcessSettings process{.admin_listen = "127.0.0.1:9092"};
  ServeSettings serve{.listen = "127.0.0.1:7072"};
  PeerTlsSettings peer_tls;
  StateSettings state;
  RedisSettings redis;
  std::string secrets_dir = "/etc/penstock/secrets";
  std::string work_dir = "/var/lib/penstock/extractor";
  ByteSize spool{10'000'000'000};
  ByteSize cache{10'000'000'000};
  int tasks = 2;
  Duration heartbeat = std::chrono::seconds(10);
  Duration poll_interval = std::chrono::seconds(2);
  ByteSize backlog{1'000'000'000};
  ByteSize destination_backlog{64'000'000};

  void AddTo(ServiceConfig& config);
};

}  // namespace penstock::extractor
