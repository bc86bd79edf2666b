#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "penstock/internal/v1/planning.grpc.pb.h"
#include "penstock/v1/sync_service.grpc.pb.h"

namespace penstock::planner {

// penstock.v1.SyncService: what Syncs are at run time. Thread-safe.
class SyncService final : public penstock::v1::SyncService::CallbackService {
 public:
  // The stub must outlive it; handlers run on `executor`.
  SyncService(boost::asio::any_io_executor executor,
              penstock::internal::v1::PlanningService::StubInterface& state)
      : executor_(std::move(executor)), state_(state) {}

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

  boost::asio::any_io_executor executor_;
  penstock::internal::v1::PlanningService::StubInterface& state_;
};

}  // namespace penstock::planner
