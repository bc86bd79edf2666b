#pragma once

#include "absl/status/status.h"
#include "penstock/internal/v1/delivery.pb.h"

namespace penstock {
class PgTransaction;
}

namespace penstock::state {

// Charges attempts to all windows of an account, all or nothing: as many as are asked for and all
// windows have room for. INVALID_REQUEST.
absl::Status ChargeQuota(PgTransaction& tx, const penstock::internal::v1::ChargeQuotaRequest& in,
                         penstock::internal::v1::ChargeQuotaResponse& out);

}  // namespace penstock::state
