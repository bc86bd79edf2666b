#pragma once

#include "penstock/internal/v1/planning.grpc.pb.h"
#include "penstock/v1/cluster_service.grpc.pb.h"
#include "services/planner/app/api_call.h"
#include "services/planner/app/run_driver.h"

namespace penstock::planner {

// penstock.v1.ClusterService: the cluster for those who run it. Thread-safe.
class ClusterService final : public penstock::v1::ClusterService::CallbackService {
 public:
  // Both must outlive it.
  ClusterService(ApiAccess access, penstock::internal::v1::PlanningService::StubInterface& state,
                 const RunDriver& driver)
      : access_(std::move(access)), state_(state), driver_(driver) {}

 private:
  using Call = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* GetClusterStatus(Call* call, const penstock::v1::GetClusterStatusRequest* request,
                          penstock::v1::GetClusterStatusResponse* response) override;
  Unary* DeclareRestored(Call* call, const penstock::v1::DeclareRestoredRequest* request,
                         penstock::v1::DeclareRestoredResponse* response) override;

  ApiAccess access_;
  penstock::internal::v1::PlanningService::StubInterface& state_;
  const RunDriver& driver_;
};

}  // namespace penstock::planner
