#include "services/planner/app/resource_service.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "services/common/core/nearest.h"
#include "services/common/core/status.h"
#include "services/common/core/version.h"
#include "services/common/rpc/client_call.h"
#include "services/planner/app/connection_test.h"
#include "services/planner/app/page_size.h"

namespace penstock::planner {
namespace {

namespace asio = boost::asio;
namespace pb = penstock::internal::v1;
using StateAsync = pb::PlanningService::StubInterface::async_interface;

constexpr std::array<std::string_view, 5> kKinds = {"Source", "Model", "Destination", "Connector",
                                                    "Sync"};

absl::Status CheckKind(const std::string& kind) {
  if (std::find(kKinds.begin(), kKinds.end(), kind) != kKinds.end()) return absl::OkStatus();
  return Error(ErrorCode::kINVALID_REQUEST,
               absl::StrCat("there is no kind \"", kind, "\"", Absl(DidYouMean(kind, kKinds)),
                            "; kinds are Source, Model, Destination, Connector, Sync"));
}

}  // namespace

grpc::ServerUnaryReactor* ResourceService::ApplyResources(Call* call,
                                                          const v1::ApplyResourcesRequest* request,
                                                          v1::ApplyResourcesResponse* response) {
  return ServeApi(call, request, response, access_,
                  [this](const v1::ApplyResourcesRequest& in, RpcContext context) {
                    return Apply(peers_, in, std::move(context));
                  });
}

grpc::ServerUnaryReactor* ResourceService::GetResource(Call* call,
                                                       const v1::GetResourceRequest* request,
                                                       v1::GetResourceResponse* response) {
  return ServeApi(
      call, request, response, access_,
      [this](const v1::GetResourceRequest& in,
             RpcContext context) -> asio::awaitable<absl::StatusOr<v1::GetResourceResponse>> {
        PENSTOCK_CO_RETURN_IF_ERROR(CheckKind(in.kind()));
        if (in.name().empty()) co_return Error(ErrorCode::kINVALID_REQUEST, "name is empty");
        pb::ListResourcesRequest list;
        list.set_kind(in.kind());
        list.set_name(in.name());
        const ClientCallOptions call_options{.parent = std::move(context)};
        PENSTOCK_CO_ASSIGN_OR_RETURN(
            auto found, co_await CallUnary(peers_.state->async(), &StateAsync::ListResources, list,
                                           call_options));
        if (found.resources().empty())
          co_return Error(ErrorCode::kRESOURCE_NOT_FOUND,
                          absl::StrCat("there is no ", in.kind(), " \"", in.name(), "\""));
        v1::GetResourceResponse out;
        *out.mutable_resource() = std::move(*found.mutable_resources(0));
        co_return out;
      });
}

grpc::ServerUnaryReactor* ResourceService::ListResources(Call* call,
                                                         const v1::ListResourcesRequest* request,
                                                         v1::ListResourcesResponse* response) {
  return ServeApi(
      call, request, response, access_,
      [this](const v1::ListResourcesRequest& in,
             RpcContext context) -> asio::awaitable<absl::StatusOr<v1::ListResourcesResponse>> {
        if (!in.kind().empty()) PENSTOCK_CO_RETURN_IF_ERROR(CheckKind(in.kind()));
        PENSTOCK_CO_ASSIGN_OR_RETURN(const int32_t page_size, PageSize(in.page_size()));
        pb::ListResourcesRequest list;
        list.set_kind(in.kind());
        *list.mutable_labels() = in.labels();
        list.set_page_size(page_size);
        list.set_page_token(in.page_token());
        const ClientCallOptions call_options{.parent = std::move(context)};
        PENSTOCK_CO_ASSIGN_OR_RETURN(
            auto found, co_await CallUnary(peers_.state->async(), &StateAsync::ListResources, list,
                                           call_options));
        v1::ListResourcesResponse out;
        out.mutable_resources()->Swap(found.mutable_resources());
        out.set_next_page_token(found.next_page_token());
        co_return out;
      });
}

grpc::ServerUnaryReactor* ResourceService::TestConnection(Call* call,
                                                          const v1::TestConnectionRequest* request,
                                                          v1::TestConnectionResponse* response) {
  return ServeApi(call, request, response, access_,
                  [this](const v1::TestConnectionRequest& in, RpcContext context) {
                    return planner::TestConnection(peers_, in, std::move(context));
                  });
}

grpc::ServerUnaryReactor* ResourceService::GetVersion(Call* call,
                                                      const v1::GetVersionRequest* request,
                                                      v1::GetVersionResponse* response) {
  return ServeApi(call, request, response, access_,
                  [](const v1::GetVersionRequest&,
                     RpcContext) -> asio::awaitable<absl::StatusOr<v1::GetVersionResponse>> {
                    v1::GetVersionResponse out;
                    out.set_version(std::string(kVersion));
                    co_return out;
                  });
}

}  // namespace penstock::planner
