#include "cli/session.h"

#include <grpcpp/channel.h>

#include "fmt/core.h"
#include "services/common/core/status.h"
#include "services/common/rpc/rpc_channel.h"
#include "services/common/rpc/rpc_status.h"

namespace penstock::cli {
namespace {

// Lists of a thousand large resources are the largest answers.
constexpr size_t kMaxMessage = 64 << 20;

}  // namespace

absl::Status Session::Open() {
  PENSTOCK_ASSIGN_OR_RETURN(std::shared_ptr<grpc::Channel> channel,
                            MakeChannel({.addresses = {server}, .max_message_bytes = kMaxMessage}));
  resources_ = v1::ResourceService::NewStub(channel);
  runs_ = v1::RunService::NewStub(channel);
  syncs_ = v1::SyncService::NewStub(channel);
  return absl::OkStatus();
}

absl::Status Session::Translate(const grpc::Status& status) const {
  // A service's own UNAVAILABLE has details; one that the connection made has none.
  const bool no_answer = status.error_details().empty() &&
                         (status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                          status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED);
  if (no_answer)
    return absl::UnavailableError(
        fmt::format("no planner answers at {}; start one (make up), or name its address with "
                    "--server or PENSTOCK_SERVER",
                    server));
  return FromGrpc(status, ErrorCode::kSTATE_UNAVAILABLE);
}

ExitCode Fail(const absl::Status& status) {
  fmt::print(stderr, "penstock: {}\n", Std(status.message()));
  return ExitCodeOf(status);
}

}  // namespace penstock::cli
