#pragma once

#include "penstock/internal/v1/planning.grpc.pb.h"

namespace penstock {
class Metrics;
class PgPool;
}  // namespace penstock

namespace penstock::state {

class RunHub;

// penstock.internal.v1.PlanningService over the database. Thread-safe.
class PlanningService final : public penstock::internal::v1::PlanningService::CallbackService {
 public:
  // All must outlive it; `metrics` is of MetricsOf(kState).
  PlanningService(PgPool& pool, RunHub& hub, Metrics& metrics)
      : pool_(pool), hub_(hub), metrics_(metrics) {}

 private:
  using Call = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* StoreResources(Call* call, const penstock::internal::v1::StoreResourcesRequest* request,
                        penstock::internal::v1::StoreResourcesResponse* response) override;
  Unary* ListResources(Call* call, const penstock::internal::v1::ListResourcesRequest* request,
                       penstock::internal::v1::ListResourcesResponse* response) override;
  Unary* CreateRun(Call* call, const penstock::internal::v1::CreateRunRequest* request,
                   penstock::internal::v1::CreateRunResponse* response) override;
  Unary* ClaimDue(Call* call, const penstock::internal::v1::ClaimDueRequest* request,
                  penstock::internal::v1::ClaimDueResponse* response) override;
  Unary* Transition(Call* call, const penstock::internal::v1::TransitionRequest* request,
                    penstock::internal::v1::TransitionResponse* response) override;
  Unary* Reconcile(Call* call, const penstock::internal::v1::ReconcileRequest* request,
                   penstock::internal::v1::ReconcileResponse* response) override;
  grpc::ServerWriteReactor<penstock::internal::v1::WatchRunsResponse>* WatchRuns(
      Call* call, const penstock::internal::v1::WatchRunsRequest* request) override;
  Unary* GetRun(Call* call, const penstock::internal::v1::GetRunRequest* request,
                penstock::internal::v1::GetRunResponse* response) override;
  Unary* ListRuns(Call* call, const penstock::internal::v1::ListRunsRequest* request,
                  penstock::internal::v1::ListRunsResponse* response) override;
  Unary* ListRejectedRecords(
      Call* call, const penstock::internal::v1::ListRejectedRecordsRequest* request,
      penstock::internal::v1::ListRejectedRecordsResponse* response) override;
  Unary* GetPlanSamples(Call* call, const penstock::internal::v1::GetPlanSamplesRequest* request,
                        penstock::internal::v1::GetPlanSamplesResponse* response) override;
  Unary* DescribeSnapshots(Call* call,
                           const penstock::internal::v1::DescribeSnapshotsRequest* request,
                           penstock::internal::v1::DescribeSnapshotsResponse* response) override;
  Unary* ChangeSync(Call* call, const penstock::internal::v1::ChangeSyncRequest* request,
                    penstock::internal::v1::ChangeSyncResponse* response) override;
  Unary* DescribeCluster(Call* call, const penstock::internal::v1::DescribeClusterRequest* request,
                         penstock::internal::v1::DescribeClusterResponse* response) override;
  Unary* DeclareRestored(Call* call, const penstock::internal::v1::DeclareRestoredRequest* request,
                         penstock::internal::v1::DeclareRestoredResponse* response) override;

  // Logs the run's new state, and counts it if it has just ended.
  void Moved(const penstock::internal::v1::RunFacts& facts);

  PgPool& pool_;
  RunHub& hub_;
  Metrics& metrics_;
};

}  // namespace penstock::state
