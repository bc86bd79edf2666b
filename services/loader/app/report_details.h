#pragma once

#include <map>
#include <vector>

#include "penstock/internal/v1/delivery.pb.h"
#include "services/common/model/batch.h"
#include "services/loader/domain/batch_outcomes.h"

namespace penstock::loader {

// The records of a report that people are shown: which, and why.
std::vector<penstock::internal::v1::RecordProblem> ReportDetails(
    const Batch& batch, const std::map<uint32_t, RecordResult>& details);

}  // namespace penstock::loader
