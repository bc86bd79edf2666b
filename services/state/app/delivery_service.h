#pragma once

#include "penstock/internal/v1/delivery.grpc.pb.h"

namespace penstock {
class PgPool;
}

namespace penstock::state {

class DeliveryEngine;

// penstock.internal.v1.DeliveryService over the database. Thread-safe.
class DeliveryService final : public penstock::internal::v1::DeliveryService::CallbackService {
 public:
  // Both must outlive it.
  DeliveryService(PgPool& pool, DeliveryEngine& engine) : pool_(pool), engine_(engine) {}

 private:
  using Call = grpc::CallbackServerContext;

  grpc::ServerBidiReactor<penstock::internal::v1::DeliverRequest,
                          penstock::internal::v1::DeliverResponse>*
  Deliver(Call* call) override;
  grpc::ServerUnaryReactor* DescribeRead(
      Call* call, const penstock::internal::v1::DescribeReadRequest* request,
      penstock::internal::v1::DescribeReadResponse* response) override;
  grpc::ServerUnaryReactor* ParkAccount(
      Call* call, const penstock::internal::v1::ParkAccountRequest* request,
      penstock::internal::v1::ParkAccountResponse* response) override;
  grpc::ServerUnaryReactor* ChargeQuota(
      Call* call, const penstock::internal::v1::ChargeQuotaRequest* request,
      penstock::internal::v1::ChargeQuotaResponse* response) override;

  PgPool& pool_;
  DeliveryEngine& engine_;
};

}  // namespace penstock::state
