#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "penstock/internal/v1/planning.grpc.pb.h"
#include "penstock/internal/v1/workers.grpc.pb.h"
#include "penstock/v1/resource_service.pb.h"
#include "services/common/rpc/rpc_context.h"
#include "services/planner/app/apply_plan.h"
#include "services/planner/app/workers.h"

namespace grpc {
class Channel;
}

namespace penstock::planner {

// The services that a planner asks about resources. Thread-safe.
struct ResourcePeers {
  // `patience`: for extractors and loaders of which none is reachable. `metrics` outlives it.
  ResourcePeers(const std::shared_ptr<grpc::Channel>& to_state,
                const std::shared_ptr<grpc::Channel>& to_extractors,
                const std::shared_ptr<grpc::Channel>& to_loaders, Duration patience,
                Metrics& metrics);

  std::unique_ptr<internal::v1::PlanningService::StubInterface> state;
  std::unique_ptr<internal::v1::ExtractorService::StubInterface> extractor;
  std::unique_ptr<internal::v1::LoaderService::StubInterface> loader;
  // To be reached before each call to one of them.
  std::unique_ptr<Workers> extractors;
  std::unique_ptr<Workers> loaders;
};

// Everything that state holds, page by page.
boost::asio::awaitable<absl::StatusOr<std::vector<StoredResource>>> LoadStored(
    const ResourcePeers& peers, RpcContext context);

// Checks resources against one another, the warehouse, the destinations and what was delivered;
// stores them when nothing is wrong and it is not only a check. INVALID_ARGUMENT carries every
// problem as a field violation. `peers` outlives it.
boost::asio::awaitable<absl::StatusOr<v1::ApplyResourcesResponse>> Apply(
    const ResourcePeers& peers, const v1::ApplyResourcesRequest& request, RpcContext context);

// Checks resources as Apply does and stores nothing. Returns those that a plan needs beside the
// stored ones; none when nothing would change.
boost::asio::awaitable<absl::StatusOr<std::vector<v1::Resource>>> CheckUnapplied(
    const ResourcePeers& peers, google::protobuf::RepeatedPtrField<v1::Resource> resources,
    RpcContext context);

}  // namespace penstock::planner
