#include "services/planner/app/run_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/core/status.h"
#include "services/common/core/testpoint.h"
#include "services/common/model/operation.h"
#include "services/common/rpc/client_call.h"
#include "services/planner/app/page_size.h"

namespace penstock::planner {

namespace {

namespace asio = boost::asio;
namespace pb = penstock::internal::v1;
namespace v1 = penstock::v1;
using StateAsync = pb::PlanningService::StubInterface::async_interface;
using LoaderAsync = pb::LoaderService::StubInterface::async_interface;

constexpr size_t kMaxRequestId = 200;

// Cancels or resumes: an event that a person wants whatever the run's revision.
template <typename Response>
asio::awaitable<absl::StatusOr<Response>> Move(pb::PlanningService::StubInterface& state,
                                               const std::string& run, pb::RunEvent event,
                                               RpcContext context) {
  pb::TransitionRequest request;
  request.set_run_id(run);
  request.set_event(event);
  const ClientCallOptions call_options{.parent = std::move(context)};
  auto moved = co_await CallUnary(state.async(), &StateAsync::Transition, request, call_options);
  if (!moved.ok()) {
    if (CodeOf(moved.status()) != ErrorCode::kILLEGAL_TRANSITION) co_return moved.status();
    co_return Error(ErrorCode::kINVALID_RUN_STATE,
                    absl::StrCat("run ", run,
                                 event == pb::RUN_EVENT_RESUME ? " is not parked; nothing to resume"
                                                               : " has ended; nothing to cancel"));
  }
  Response response;
  *response.mutable_run() = std::move(*moved->mutable_facts()->mutable_run());
  co_return response;
}

pb::CreateRunRequest CreateRequestOf(const v1::TriggerRunRequest& in) {
  pb::CreateRunRequest create;
  create.set_sync(in.sync());
  create.set_request_id(in.request_id());
  create.set_type(in.type() == v1::RUN_TYPE_PLAN ? v1::RUN_TYPE_PLAN : v1::RUN_TYPE_SYNC);
  create.set_allow_removals(in.allow_removals());
  create.set_only_if_idle(in.overlap() == v1::OVERLAP_REFUSE);
  create.set_full_resync(in.full_resync());
  create.set_limit(in.limit());
  *create.mutable_key() = in.key();
  create.set_to(in.to());
  create.set_retry_rejected(in.retry_rejected());
  return create;
}

}  // namespace

grpc::ServerUnaryReactor* RunService::TriggerRun(Call* call, const v1::TriggerRunRequest* request,
                                                 v1::TriggerRunResponse* response) {
  return ServeApi(
      call, request, response, access_,
      [this](const v1::TriggerRunRequest& in,
             RpcContext context) -> asio::awaitable<absl::StatusOr<v1::TriggerRunResponse>> {
        if (in.sync().empty()) {
          co_return Error(ErrorCode::kINVALID_REQUEST, "sync is empty; name the Sync to run");
        }
        if (in.request_id().size() > kMaxRequestId) {
          co_return Error(
              ErrorCode::kINVALID_REQUEST,
              absl::StrCat("request_id has more than ", kMaxRequestId, " bytes; a UUID will do"));
        }
        if (in.overlap() == v1::OVERLAP_SKIP) {
          co_return Error(ErrorCode::kINVALID_REQUEST,
                          "overlap is SKIP, which only schedules know; use QUEUE or REFUSE");
        }
        pb::CreateRunRequest create = CreateRequestOf(in);
        if (!in.resources().empty()) {
          if (create.type() != v1::RUN_TYPE_PLAN) {
            co_return Error(ErrorCode::kINVALID_REQUEST,
                            "resources are for plans; apply them before a run that sends");
          }
          PENSTOCK_CO_ASSIGN_OR_RETURN(auto needed,
                                       co_await CheckUnapplied(peers_, in.resources(), context));
          create.mutable_resources()->Assign(needed.begin(), needed.end());
        }
        const ClientCallOptions call_options{.parent = std::move(context)};
        PENSTOCK_CO_ASSIGN_OR_RETURN(
            auto created,
            co_await CallUnary(state_.async(), &StateAsync::CreateRun, create, call_options));
        PENSTOCK_TESTPOINT("planner.run_created");
        v1::TriggerRunResponse out;
        *out.mutable_run() = std::move(*created.mutable_facts()->mutable_run());
        out.set_coalesced(created.coalesced());
        co_return out;
      });
}

grpc::ServerUnaryReactor* RunService::GetRun(Call* call, const v1::GetRunRequest* request,
                                             v1::GetRunResponse* response) {
  return ServeApi(
      call, request, response, access_,
      [this](const v1::GetRunRequest& in,
             RpcContext context) -> asio::awaitable<absl::StatusOr<v1::GetRunResponse>> {
        pb::GetRunRequest get;
        get.set_run_id(in.run_id());
        const ClientCallOptions call_options{.parent = std::move(context)};
        PENSTOCK_CO_ASSIGN_OR_RETURN(
            auto found, co_await CallUnary(state_.async(), &StateAsync::GetRun, get, call_options));
        v1::GetRunResponse out;
        *out.mutable_run() = std::move(*found.mutable_facts()->mutable_run());
        co_return out;
      });
}

grpc::ServerUnaryReactor* RunService::ListRuns(Call* call, const v1::ListRunsRequest* request,
                                               v1::ListRunsResponse* response) {
  return ServeApi(
      call, request, response, access_,
      [this](const v1::ListRunsRequest& in,
             RpcContext context) -> asio::awaitable<absl::StatusOr<v1::ListRunsResponse>> {
        PENSTOCK_CO_ASSIGN_OR_RETURN(const int32_t page_size, PageSize(in.page_size()));
        pb::ListRunsRequest list;
        list.set_sync(in.sync());
        *list.mutable_states() = in.states();
        list.set_page_size(page_size);
        list.set_page_token(in.page_token());
        const ClientCallOptions call_options{.parent = std::move(context)};
        PENSTOCK_CO_ASSIGN_OR_RETURN(
            auto listed,
            co_await CallUnary(state_.async(), &StateAsync::ListRuns, list, call_options));
        v1::ListRunsResponse out;
        out.mutable_runs()->Swap(listed.mutable_runs());
        out.set_next_page_token(listed.next_page_token());
        co_return out;
      });
}

grpc::ServerWriteReactor<v1::WatchRunResponse>* RunService::WatchRun(
    Call* call, const v1::WatchRunRequest* request) {
  pb::WatchRunsRequest watch;
  watch.set_run_id(request->run_id());
  absl::Status refusal = access_.Admit(*call).status();
  if (refusal.ok() && request->run_id().empty())
    refusal = Error(ErrorCode::kINVALID_REQUEST,
                    "run_id is empty; name a run, or a Sync for its newest one");
  return relays_.Start<v1::WatchRunResponse>(*call, refusal, watch);
}

grpc::ServerWriteReactor<v1::WatchRunsResponse>* RunService::WatchRuns(
    Call* call, const v1::WatchRunsRequest* request) {
  pb::WatchRunsRequest watch;
  *watch.mutable_follow()->mutable_syncs() = request->syncs();
  if (request->has_ended_after())
    *watch.mutable_follow()->mutable_ended_after() = request->ended_after();
  return relays_.Start<v1::WatchRunsResponse>(*call, access_.Admit(*call).status(), watch);
}

grpc::ServerUnaryReactor* RunService::CancelRun(Call* call, const v1::CancelRunRequest* request,
                                                v1::CancelRunResponse* response) {
  return ServeApi(call, request, response, access_,
                  [this](const v1::CancelRunRequest& in, RpcContext context) {
                    return Move<v1::CancelRunResponse>(state_, in.run_id(), pb::RUN_EVENT_STOP,
                                                       std::move(context));
                  });
}

grpc::ServerUnaryReactor* RunService::ResumeRun(Call* call, const v1::ResumeRunRequest* request,
                                                v1::ResumeRunResponse* response) {
  return ServeApi(call, request, response, access_,
                  [this](const v1::ResumeRunRequest& in, RpcContext context) {
                    return Move<v1::ResumeRunResponse>(state_, in.run_id(), pb::RUN_EVENT_RESUME,
                                                       std::move(context));
                  });
}

grpc::ServerUnaryReactor* RunService::GetPlan(Call* call, const v1::GetPlanRequest* request,
                                              v1::GetPlanResponse* response) {
  return ServeApi(
      call, request, response, access_,
      [this](const v1::GetPlanRequest& in,
             RpcContext context) -> asio::awaitable<absl::StatusOr<v1::GetPlanResponse>> {
        const ClientCallOptions options{.parent = std::move(context)};
        pb::GetRunRequest get;
        get.set_run_id(in.run_id());
        PENSTOCK_CO_ASSIGN_OR_RETURN(
            auto run, co_await CallUnary(state_.async(), &StateAsync::GetRun, get, options));
        v1::GetPlanResponse out;
        v1::Plan& plan = *out.mutable_plan();
        *plan.mutable_run() = std::move(*run.mutable_facts()->mutable_run());
        if (plan.run().type() != v1::RUN_TYPE_PLAN) {
          co_return Error(ErrorCode::kINVALID_REQUEST,
                          absl::StrCat("run ", in.run_id(), " is not a plan"));
        }
        pb::GetPlanSamplesRequest get_samples;
        get_samples.set_run_id(in.run_id());
        PENSTOCK_CO_ASSIGN_OR_RETURN(
            auto samples,
            co_await CallUnary(state_.async(), &StateAsync::GetPlanSamples, get_samples, options));
        for (const pb::PlanSample& sample : samples.samples()) {
          v1::PlannedOperation& operation = *plan.add_operations();
          operation.set_operation(std::string(Name(static_cast<Operation>(sample.operation()))));
          operation.set_records(sample.records());
          if (sample.batch().empty()) continue;
          pb::RenderRequest render;
          *render.mutable_destination() = samples.destination();
          *render.mutable_connector() = samples.connector();
          *render.mutable_sync() = samples.sync();
          render.set_epoch(samples.epoch());
          render.add_batches(sample.batch());
          PENSTOCK_CO_RETURN_IF_ERROR(co_await peers_.loaders->Reach(options.parent));
          ClientCallOptions at_loader = options;
          at_loader.unavailable = ErrorCode::kDESTINATION_UNAVAILABLE;
          PENSTOCK_CO_ASSIGN_OR_RETURN(
              auto rendered,
              co_await CallUnary(loader_.async(), &LoaderAsync::Render, render, at_loader));
          operation.mutable_samples()->Swap(rendered.mutable_requests());
        }
        if (samples.has_explanation())
          plan.mutable_explanation()->Swap(samples.mutable_explanation());
        co_return out;
      });
}

grpc::ServerUnaryReactor* RunService::ListRejectedRecords(
    Call* call, const v1::ListRejectedRecordsRequest* request,
    v1::ListRejectedRecordsResponse* response) {
  return ServeApi(call, request, response, access_,
                  [this](const v1::ListRejectedRecordsRequest& in, RpcContext context)
                      -> asio::awaitable<absl::StatusOr<v1::ListRejectedRecordsResponse>> {
                    PENSTOCK_CO_ASSIGN_OR_RETURN(const int32_t page_size, PageSize(in.page_size()));
                    pb::ListRejectedRecordsRequest list;
                    list.set_sync(in.sync());
                    list.set_run_id(in.run_id());
                    list.set_page_size(page_size);
                    list.set_page_token(in.page_token());
                    const ClientCallOptions call_options{.parent = std::move(context)};
                    PENSTOCK_CO_ASSIGN_OR_RETURN(
                        auto listed,
                        co_await CallUnary(state_.async(), &StateAsync::ListRejectedRecords, list,
                                           call_options));
                    v1::ListRejectedRecordsResponse out;
                    out.mutable_records()->Swap(listed.mutable_records());
                    out.set_next_page_token(listed.next_page_token());
                    co_return out;
                  });
}

}  // namespace penstock::planner
