#pragma once

#include "penstock/internal/v1/planning.grpc.pb.h"
#include "penstock/v1/sync_service.grpc.pb.h"
#include "services/planner/app/api_call.h"

namespace penstock::planner {

// penstock.v1.SyncService: what Syncs are at run time. Thread-safe.
class SyncService final : public penstock::v1::SyncService::CallbackService {
 public:
  // The stub must outlive it; handlers run on `executor`.
  SyncService(ApiAccess access, penstock::internal::v1::PlanningService::StubInterface& state)
      : access_(std::move(access)), state_(state) {}

 private:
  using Call = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* GetSyncStatus(Call* call, const penstock::v1::GetSyncStatusRequest* request,
                       penstock::v1::GetSyncStatusResponse* response) override;
  Unary* PauseSync(Call* call, const penstock::v1::PauseSyncRequest* request,
                   penstock::v1::PauseSyncResponse* response) override;
  Unary* ResumeSync(Call* call, const penstock::v1::ResumeSyncRequest* request,
                    penstock::v1::ResumeSyncResponse* response) override;
  Unary* ResetSync(Call* call, const penstock::v1::ResetSyncRequest* request,
                   penstock::v1::ResetSyncResponse* response) override;

  ApiAccess access_;
  penstock::internal::v1::PlanningService::StubInterface& state_;
};

}  // namespace penstock::planner
