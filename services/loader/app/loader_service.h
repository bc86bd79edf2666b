#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "penstock/internal/v1/workers.grpc.pb.h"
#include "services/loader/app/loader_settings.h"

namespace penstock::loader {

// penstock.internal.v1.LoaderService: what planners ask of a loader. Works on the loader's
// executor.
class LoaderService final : public penstock::internal::v1::LoaderService::CallbackService {
 public:
  LoaderService(boost::asio::any_io_executor executor, const LoaderSettings& settings)
      : executor_(std::move(executor)), settings_(settings) {}

 private:
  using Call = grpc::CallbackServerContext;

  grpc::ServerUnaryReactor* TestDestination(
      Call* call, const penstock::internal::v1::TestDestinationRequest* request,
      penstock::v1::TestConnectionResponse* response) override;
  grpc::ServerUnaryReactor* Render(Call* call, const penstock::internal::v1::RenderRequest* request,
                                   penstock::internal::v1::RenderResponse* response) override;
  grpc::ServerUnaryReactor* CheckDelivery(
      Call* call, const penstock::internal::v1::CheckDeliveryRequest* request,
      penstock::internal::v1::CheckDeliveryResponse* response) override;

  boost::asio::any_io_executor executor_;
  const LoaderSettings& settings_;
};

}  // namespace penstock::loader
