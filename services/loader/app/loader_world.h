#pragma once

#include <cstdint>
#include <string>

#include "services/common/core/clock.h"
#include "services/common/obs/metrics.h"
#include "services/common/queue/quota.h"
#include "services/common/queue/work_queue.h"
#include "services/loader/app/deliver_stream.h"
#include "services/loader/app/loader_settings.h"
#include "services/loader/app/read_book.h"

namespace penstock::loader {

// What delivering a batch needs, whatever its destination. All outlives every delivery.
struct LoaderWorld {
  const LoaderSettings& settings;
  Tasks& tasks;
  WorkQueue& queue;
  QuotaClient& quota;
  pb::DeliveryService::StubInterface& state;
  DeliverStream& deliver;
  ReadBook& reads;
  Metrics& metrics;
  Gauge memory;          // encoded bytes of batches
  std::string consumer;  // this process's name in Redis
};

}  // namespace penstock::loader
