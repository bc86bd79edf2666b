#pragma once

#include "services/planner/app/apply.h"

namespace penstock::planner {

// Tries a stored Source through an extractor, or a stored Destination through a loader, for only
// they hold the credentials. `peers` outlives it.
boost::asio::awaitable<absl::StatusOr<v1::TestConnectionResponse>> TestConnection(
    const ResourcePeers& peers, const v1::TestConnectionRequest& request, RpcContext context);

}  // namespace penstock::planner
