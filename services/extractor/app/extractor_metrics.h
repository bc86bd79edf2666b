#pragma once

#include <span>
#include <string>
#include <string_view>

#include "services/common/core/clock.h"
#include "services/common/obs/metrics.h"

namespace penstock::v1 {
class ReadCounts;
}

namespace penstock::extractor {

// A task ended: `kind` is read, remove or plan, `result` is done, failed or lost (its lease).
void CountTask(Metrics& metrics, std::string_view kind, std::string_view result, Duration took);
// A read ended, and state has stored its counts.
void CountRows(Metrics& metrics, const std::string& sync, const penstock::v1::ReadCounts& rows);

// One query of a read has ended.
void CountQuery(Metrics& metrics, const std::string& source, uint64_t bytes, Duration took);

}  // namespace penstock::extractor
