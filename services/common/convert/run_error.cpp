#include "services/common/convert/run_error.h"

#include <utility>

#include "services/common/core/status.h"

namespace penstock {

v1::RunError RunErrorOf(ErrorCode code, std::string message) {
  v1::RunError error;
  error.set_code(std::string(Name(code)));
  error.set_owner(std::string(Name(OwnerOf(code))));
  error.set_message(std::move(message));
  return error;
}

v1::RunError RunErrorOf(const absl::Status& status) {
  return RunErrorOf(CodeOf(status).value_or(ErrorCode::kINTERNAL), std::string(status.message()));
}

}  // namespace penstock
