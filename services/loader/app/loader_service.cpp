#include "services/loader/app/loader_service.h"

#include "services/common/rpc/server_unary.h"
#include "services/loader/app/destination_checks.h"

namespace penstock::loader {

namespace asio = boost::asio;
namespace pb = penstock::internal::v1;

grpc::ServerUnaryReactor* LoaderService::TestDestination(Call* call,
                                                         const pb::TestDestinationRequest* request,
                                                         v1::TestConnectionResponse* response) {
  return ServeUnary(
      call, request, response, executor_,
      [this](const pb::TestDestinationRequest& in,
             RpcContext) -> asio::awaitable<absl::StatusOr<v1::TestConnectionResponse>> {
        co_return co_await loader::TestDestination(executor_, settings_, in);
      });
}

grpc::ServerUnaryReactor* LoaderService::Render(Call* call, const pb::RenderRequest* request,
                                                pb::RenderResponse* response) {
  return ServeUnary(call, request, response, executor_,
                    [this](const pb::RenderRequest& in,
                           RpcContext) -> asio::awaitable<absl::StatusOr<pb::RenderResponse>> {
                      co_return RenderBatches(executor_, settings_, in);
                    });
}

grpc::ServerUnaryReactor* LoaderService::CheckDelivery(Call* call,
                                                       const pb::CheckDeliveryRequest* request,
                                                       pb::CheckDeliveryResponse* response) {
  return ServeUnary(
      call, request, response, executor_,
      [this](const pb::CheckDeliveryRequest& in,
             RpcContext) -> asio::awaitable<absl::StatusOr<pb::CheckDeliveryResponse>> {
        co_return loader::CheckDelivery(executor_, settings_, in);
      });
}

}  // namespace penstock::loader
