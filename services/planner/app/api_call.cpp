#include "services/planner/app/api_call.h"

namespace penstock::planner {

absl::StatusOr<std::string> ApiAccess::Admit(const grpc::CallbackServerContext& call) const {
  if (tokens == nullptr) return RpcContext().caller;
  const auto header = call.client_metadata().find("authorization");
  if (header == call.client_metadata().end()) return tokens->CallerOf("");
  return tokens->CallerOf({header->second.data(), header->second.size()});
}

}  // namespace penstock::planner
