#pragma once

#include <memory>
#include <utility>

#include "penstock/v1/resource_service.grpc.pb.h"
#include "services/planner/app/api_call.h"
#include "services/planner/app/apply.h"

namespace penstock::planner {

// penstock.v1.ResourceService: what users declare. Thread-safe.
class ResourceService final : public v1::ResourceService::CallbackService {
 public:
  // `peers` must outlive it.
  ResourceService(ApiAccess access, const ResourcePeers& peers)
      : access_(std::move(access)), peers_(peers) {}

 private:
  using Call = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* ApplyResources(Call* call, const v1::ApplyResourcesRequest* request,
                        v1::ApplyResourcesResponse* response) override;
  Unary* GetResource(Call* call, const v1::GetResourceRequest* request,
                     v1::GetResourceResponse* response) override;
  Unary* ListResources(Call* call, const v1::ListResourcesRequest* request,
                       v1::ListResourcesResponse* response) override;
  Unary* TestConnection(Call* call, const v1::TestConnectionRequest* request,
                        v1::TestConnectionResponse* response) override;
  Unary* GetVersion(Call* call, const v1::GetVersionRequest* request,
                    v1::GetVersionResponse* response) override;

  ApiAccess access_;
  const ResourcePeers& peers_;
};

}  // namespace penstock::planner
