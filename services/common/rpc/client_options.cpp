#include "services/common/rpc/client_options.h"

#include <grpcpp/client_context.h>

namespace penstock {

void ClientCallOptions::Apply(grpc::ClientContext& call) const {
  parent.Prepare(call, timeout);
  call.set_wait_for_ready(wait_for_ready);
}

}  // namespace penstock
