#pragma once

#include "absl/status/status.h"
#include "penstock/internal/v1/membership.pb.h"
#include "penstock/v1/cluster_service.pb.h"

namespace penstock {
class PgTransaction;
}

namespace penstock::state {

namespace pb = penstock::internal::v1;

// Stores how a process stands, or that it leaves, and answers what it is held against.
absl::Status ReportMember(PgTransaction& tx, const pb::ReportMemberRequest& request,
                          pb::ReportMemberResponse& response);

// Those that reported lately, by service and age.
absl::Status LoadMembers(PgTransaction& tx, penstock::v1::GetClusterStatusResponse& status);

}  // namespace penstock::state
