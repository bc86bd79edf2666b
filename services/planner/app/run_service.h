#pragma once

#include "penstock/internal/v1/planning.grpc.pb.h"
#include "penstock/internal/v1/workers.grpc.pb.h"
#include "penstock/v1/run_service.grpc.pb.h"
#include "services/common/rpc/server_stream.h"
#include "services/planner/app/api_call.h"

namespace penstock::planner {

// penstock.v1.RunService: runs as users see them. Thread-safe.
class RunService final : public penstock::v1::RunService::CallbackService {
 public:
  // The stubs must outlive it; handlers run on `executor`.
  RunService(ApiAccess access, penstock::internal::v1::PlanningService::StubInterface& state,
             penstock::internal::v1::LoaderService::StubInterface& loader)
      : access_(std::move(access)), state_(state), loader_(loader) {}

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
  Unary* CancelRun(Call* call, const penstock::v1::CancelRunRequest* request,
                   penstock::v1::CancelRunResponse* response) override;
  Unary* ResumeRun(Call* call, const penstock::v1::ResumeRunRequest* request,
                   penstock::v1::ResumeRunResponse* response) override;
  Unary* GetPlan(Call* call, const penstock::v1::GetPlanRequest* request,
                 penstock::v1::GetPlanResponse* response) override;
  Unary* ListRejectedRecords(Call* call, const penstock::v1::ListRejectedRecordsRequest* request,
                             penstock::v1::ListRejectedRecordsResponse* response) override;

  ApiAccess access_;
  penstock::internal::v1::PlanningService::StubInterface& state_;
  penstock::internal::v1::LoaderService::StubInterface& loader_;
};

}  // namespace penstock::planner
