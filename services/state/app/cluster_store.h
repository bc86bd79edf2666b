#pragma once

#include "absl/status/status.h"
#include "penstock/internal/v1/planning.pb.h"

namespace penstock {
class PgTransaction;
}

namespace penstock::state {

namespace pb = penstock::internal::v1;

// The cluster as the database knows it: its processes, how much there is, and the Syncs that
// somebody must look after.
absl::Status DescribeCluster(PgTransaction& tx, const pb::DescribeClusterRequest& request,
                             pb::DescribeClusterResponse& response);

}  // namespace penstock::state
