#include "services/planner/app/sync_service.h"

#include <boost/asio/awaitable.hpp>
#include <utility>

#include "services/common/core/status.h"
#include "services/common/rpc/client_call.h"
#include "services/planner/app/apply_rules.h"

namespace penstock::planner {
namespace {

namespace asio = boost::asio;
namespace pb = penstock::internal::v1;
using StateAsync = pb::PlanningService::StubInterface::async_interface;

pb::ChangeSyncRequest ChangeOf(const std::string& sync) {
  pb::ChangeSyncRequest change;
  change.set_sync(sync);
  return change;
}

// The Sync as it stands after the change.
template <typename Response>
asio::awaitable<absl::StatusOr<Response>> Change(pb::PlanningService::StubInterface& state,
                                                 pb::ChangeSyncRequest change, RpcContext context) {
  if (change.sync().empty())
    co_return Error(ErrorCode::kINVALID_REQUEST, "sync is empty; name the Sync that is meant");
  change.set_actor(context.caller);
  const ClientCallOptions options{.parent = std::move(context)};
  PENSTOCK_CO_ASSIGN_OR_RETURN(
      auto changed, co_await CallUnary(state.async(), &StateAsync::ChangeSync, change, options));
  Response response;
  *response.mutable_status() = std::move(*changed.mutable_status());
  co_return response;
}

}  // namespace

grpc::ServerUnaryReactor* SyncService::GetSyncStatus(Call* call,
                                                     const v1::GetSyncStatusRequest* request,
                                                     v1::GetSyncStatusResponse* response) {
  return ServeApi(call, request, response, access_,
                  [this](const v1::GetSyncStatusRequest& in, RpcContext context) {
                    return Change<v1::GetSyncStatusResponse>(state_, ChangeOf(in.sync()),
                                                             std::move(context));
                  });
}

grpc::ServerUnaryReactor* SyncService::PauseSync(Call* call, const v1::PauseSyncRequest* request,
                                                 v1::PauseSyncResponse* response) {
  return ServeApi(
      call, request, response, access_, [this](const v1::PauseSyncRequest& in, RpcContext context) {
        pb::ChangeSyncRequest change = ChangeOf(in.sync());
        change.set_paused(true);
        return Change<v1::PauseSyncResponse>(state_, std::move(change), std::move(context));
      });
}

grpc::ServerUnaryReactor* SyncService::ResumeSync(Call* call, const v1::ResumeSyncRequest* request,
                                                  v1::ResumeSyncResponse* response) {
  return ServeApi(call, request, response, access_,
                  [this](const v1::ResumeSyncRequest& in, RpcContext context) {
                    pb::ChangeSyncRequest change = ChangeOf(in.sync());
                    change.set_paused(false);
                    return Change<v1::ResumeSyncResponse>(state_, std::move(change),
                                                          std::move(context));
                  });
}

grpc::ServerUnaryReactor* SyncService::ResetSync(Call* call, const v1::ResetSyncRequest* request,
                                                 v1::ResetSyncResponse* response) {
  return ServeApi(
      call, request, response, access_,
      [this](const v1::ResetSyncRequest& in,
             RpcContext context) -> asio::awaitable<absl::StatusOr<v1::ResetSyncResponse>> {
        const v1::Reset reset = in.reset() == v1::RESET_UNSPECIFIED ? v1::RESET_RESEND : in.reset();
        pb::ChangeSyncRequest change = ChangeOf(in.sync());
        PENSTOCK_CO_ASSIGN_OR_RETURN(
            v1::ResetSyncResponse out,
            co_await Change<v1::ResetSyncResponse>(state_, change, context));
        const int64_t records = out.status().delivered_rows();
        if (!in.validate_only()) {
          change.set_reset(reset);
          PENSTOCK_CO_ASSIGN_OR_RETURN(out, co_await Change<v1::ResetSyncResponse>(
                                                state_, std::move(change), std::move(context)));
        }
        for (std::string& effect : EffectsOfReset(records, reset))
          out.add_effects(std::move(effect));
        co_return out;
      });
}

}  // namespace penstock::planner
