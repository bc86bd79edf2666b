#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "services/common/core/clock.h"
#include "services/common/obs/catalogue.h"
#include "services/common/rpc/rpc_context.h"

namespace grpc {
class Channel;
}

namespace penstock::planner {

// The extractors or the loaders, as a planner sees them: with autoscaling there may be none until
// somebody needs one. penstock_calls_waiting is what tells the autoscaler.
class Workers {
 public:
  // `kind`: kExtractor or kLoader, reached through `channel`; a call waits for one up to
  // `patience`. `metrics` outlives it.
  Workers(ServiceKind kind, std::shared_ptr<grpc::Channel> channel, Duration patience,
          Metrics& metrics);

  // Whether one is reachable now; if not, goes on trying to connect.
  bool Reachable() const;
  // Waits for one as long as the call that needs it has time, but no longer than the patience.
  // WORKERS_UNAVAILABLE, with a delay after which to try again, when none came.
  boost::asio::awaitable<absl::Status> Reach(RpcContext context);

  // A run needs one before it can go on, and is looked at again; until RunServed() it counts as
  // waiting. Confined to the driver's strand.
  void RunWaits(const std::string& run);
  void RunServed(const std::string& run);

 private:
  const ServiceKind kind_;
  const std::shared_ptr<grpc::Channel> channel_;
  const Duration patience_;
  Gauge waiting_;
  std::set<std::string> runs_;
};

}  // namespace penstock::planner
