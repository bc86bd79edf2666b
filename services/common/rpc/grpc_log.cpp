#include "services/common/rpc/grpc_log.h"

#include <grpc/support/log.h>

#include "services/common/obs/log.h"

namespace penstock {

void RouteGrpcLog() {
  gpr_set_log_function([](gpr_log_func_args* args) {
    if (args->severity == GPR_LOG_SEVERITY_ERROR) {
      LogWarning("grpc", args->message, {{"file", args->file}, {"line", args->line}});
    } else {
      LogDebug("grpc", args->message, {{"file", args->file}, {"line", args->line}});
    }
  });
}

}  // namespace penstock
