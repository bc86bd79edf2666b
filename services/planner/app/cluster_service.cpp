#include "services/planner/app/cluster_service.h"

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <utility>

#include "services/common/core/status.h"
#include "services/common/obs/log.h"
#include "services/common/rpc/client_call.h"

namespace penstock::planner {
namespace {

namespace asio = boost::asio;
namespace v1 = penstock::v1;
using StateAsync = pb::PlanningService::StubInterface::async_interface;

}  // namespace

grpc::ServerUnaryReactor* ClusterService::GetClusterStatus(
    Call* call, const v1::GetClusterStatusRequest* request,
    v1::GetClusterStatusResponse* response) {
  return ServeApi(
      call, request, response, access_,
      [this](const v1::GetClusterStatusRequest&,
             RpcContext context) -> asio::awaitable<absl::StatusOr<v1::GetClusterStatusResponse>> {
        const ClientCallOptions options{.parent = std::move(context)};
        PENSTOCK_CO_ASSIGN_OR_RETURN(
            auto described, co_await CallUnary(state_.async(), &StateAsync::DescribeCluster,
                                               pb::DescribeClusterRequest(), options));
        v1::GetClusterStatusResponse out = std::move(*described.mutable_status());
        if (auto backlog = driver_.backlog()) *out.mutable_backlog() = *std::move(backlog);
        co_return out;
      });
}

grpc::ServerUnaryReactor* ClusterService::DeclareRestored(Call* call,
                                                          const v1::DeclareRestoredRequest* request,
                                                          v1::DeclareRestoredResponse* response) {
  return ServeApi(
      call, request, response, access_,
      [this](const v1::DeclareRestoredRequest& in,
             RpcContext context) -> asio::awaitable<absl::StatusOr<v1::DeclareRestoredResponse>> {
        pb::DeclareRestoredRequest declare;
        declare.set_validate_only(in.validate_only());
        declare.set_actor(context.caller);
        // It rewrites what every Sync has delivered: only the caller knows how long that may take.
        const ClientCallOptions options{.timeout = std::nullopt, .parent = std::move(context)};
        PENSTOCK_CO_ASSIGN_OR_RETURN(
            auto declared,
            co_await CallUnary(state_.async(), &StateAsync::DeclareRestored, declare, options));
        if (!in.validate_only()) {
          LogWarning("restored", "everything that was delivered is in doubt, and is sent once more",
                     {{"runs", declared.effects().runs()}, {"syncs", declared.effects().syncs()}});
        }
        co_return std::move(*declared.mutable_effects());
      });
}

}  // namespace penstock::planner
