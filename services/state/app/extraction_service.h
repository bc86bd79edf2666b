#pragma once

#include <chrono>

#include "penstock/internal/v1/extraction.grpc.pb.h"

namespace penstock {
class PgPool;
}

namespace penstock::state {

// penstock.internal.v1.ExtractionService over the database. Thread-safe.
class ExtractionService final : public penstock::internal::v1::ExtractionService::CallbackService {
 public:
  // `pool` must outlive it.
  ExtractionService(PgPool& pool, std::chrono::milliseconds lease) : pool_(pool), lease_(lease) {}

 private:
  using Call = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* LeaseTask(Call* call, const penstock::internal::v1::LeaseTaskRequest* request,
                   penstock::internal::v1::LeaseTaskResponse* response) override;
  Unary* Heartbeat(Call* call, const penstock::internal::v1::HeartbeatRequest* request,
                   penstock::internal::v1::HeartbeatResponse* response) override;
  grpc::ServerWriteReactor<penstock::internal::v1::ReadSegmentsResponse>* ReadSegments(
      Call* call, const penstock::internal::v1::ReadSegmentsRequest* request) override;
  grpc::ServerWriteReactor<penstock::internal::v1::ReadSeenResponse>* ReadSeen(
      Call* call, const penstock::internal::v1::ReadSeenRequest* request) override;
  grpc::ServerReadReactor<penstock::internal::v1::EndReadRequest>* EndRead(
      Call* call, penstock::internal::v1::EndReadResponse* response) override;
  Unary* CompleteTask(Call* call, const penstock::internal::v1::CompleteTaskRequest* request,
                      penstock::internal::v1::CompleteTaskResponse* response) override;
  Unary* AdoptRecords(Call* call, const penstock::internal::v1::AdoptRecordsRequest* request,
                      penstock::internal::v1::AdoptRecordsResponse* response) override;
  Unary* FailTask(Call* call, const penstock::internal::v1::FailTaskRequest* request,
                  penstock::internal::v1::FailTaskResponse* response) override;

  PgPool& pool_;
  const std::chrono::milliseconds lease_;
};

}  // namespace penstock::state
