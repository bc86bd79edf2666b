#pragma once

#include "penstock/v1/run_service.grpc.pb.h"
#include "services/planner/app/api_call.h"
#include "services/planner/app/apply.h"
#include "services/planner/app/run_relays.h"

namespace penstock::planner {

// penstock.v1.RunService: runs as users see them. Thread-safe.
class RunService final : public penstock::v1::RunService::CallbackService {
 public:
  // `peers` and `metrics` must outlive it.
  RunService(ApiAccess access, const ResourcePeers& peers, Metrics& metrics)
      : access_(std::move(access)),
        peers_(peers),
        state_(*peers.state),
        loader_(*peers.loader),
        relays_(state_, metrics.GetGauge("penstock_watch_streams")) {}

  // Ends every stream with UNAVAILABLE: who watches comes again, to another planner.
  void EndStreams() { relays_.EndAll(); }

 private:
  using Call = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* TriggerRun(Call* call, const penstock::v1::TriggerRunRequest* request,
                    penstock::v1::TriggerRunResponse* response) override;
  Unary* GetRun(Call* call, const penstock::v1::GetRunRequest* request,
                penstock::v1::GetRunResponse* response) override;
  Unary* ListRuns(Call* call, const penstock::v1::ListRunsRequest* request,
                  penstock::v1::ListRunsResponse* response) override;
  grpc::ServerWriteReactor<penstock::v1::WatchRunResponse>* WatchRun(
      Call* call, const penstock::v1::WatchRunRequest* request) override;
  grpc::ServerWriteReactor<penstock::v1::WatchRunsResponse>* WatchRuns(
      Call* call, const penstock::v1::WatchRunsRequest* request) override;
  Unary* CancelRun(Call* call, const penstock::v1::CancelRunRequest* request,
                   penstock::v1::CancelRunResponse* response) override;
  Unary* ResumeRun(Call* call, const penstock::v1::ResumeRunRequest* request,
                   penstock::v1::ResumeRunResponse* response) override;
  Unary* GetPlan(Call* call, const penstock::v1::GetPlanRequest* request,
                 penstock::v1::GetPlanResponse* response) override;
  Unary* ListRejectedRecords(Call* call, const penstock::v1::ListRejectedRecordsRequest* request,
                             penstock::v1::ListRejectedRecordsResponse* response) override;

  ApiAccess access_;
  const ResourcePeers& peers_;
  penstock::internal::v1::PlanningService::StubInterface& state_;
  penstock::internal::v1::LoaderService::StubInterface& loader_;
  RunRelays relays_;
};

}  // namespace penstock::planner
