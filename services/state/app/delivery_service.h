#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "penstock/internal/v1/delivery.grpc.pb.h"
#include "services/common/rpc/server_bidi.h"

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

  // Ends every stream with UNAVAILABLE, later ones at once: loaders ask another replica.
  void EndStreams();

 private:
  using Stream =
      ServerBidi<penstock::internal::v1::DeliverRequest, penstock::internal::v1::DeliverResponse>;
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
  std::mutex mutex_;  // guards what follows
  std::vector<std::weak_ptr<Stream>> streams_;
  bool draining_ = false;
};

}  // namespace penstock::state
