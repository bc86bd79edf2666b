#include "cli/session.h"

#include <grpcpp/channel.h>

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "cli/context.h"
#include "cli/output.h"
#include "fmt/core.h"
#include "services/common/core/file.h"
#include "services/common/core/status.h"
#include "services/common/rpc/rpc_channel.h"
#include "services/common/rpc/rpc_status.h"

namespace penstock::cli {
namespace {

// Lists of a thousand large resources are the largest answers.
constexpr size_t kMaxMessage = 64 << 20;

absl::StatusOr<std::string> ReadToken(const std::string& file) {
  const std::optional<std::string> content = ReadWholeFile(file);
  if (!content.has_value())
    return Error(ErrorCode::kINVALID_CONFIGURATION,
                 fmt::format("{}: can't be read; it is to hold the planner's token", file));
  const absl::string_view token = absl::StripAsciiWhitespace(*content);
  if (token.empty() || !std::all_of(token.begin(), token.end(), absl::ascii_isgraph))
    return Error(ErrorCode::kINVALID_CONFIGURATION,
                 fmt::format("{}: holds no token, which is one word", file));
  return std::string(token);
}

}  // namespace

// A context that nobody named says nothing of another server: its token is not for that one.
absl::Status Session::UseContext() {
  if (server.empty() || !context_name.empty()) {
    PENSTOCK_ASSIGN_OR_RETURN(const Context used, LoadContext(context_name));
    if (server.empty()) server = used.server;
    if (tls_ca.empty()) tls_ca = used.tls_ca;
    if (token_file.empty()) token_file = used.token_file;
  }
  if (server.empty()) server = kDefaultServer;
  return absl::OkStatus();
}

absl::Status Session::Open() {
  PENSTOCK_RETURN_IF_ERROR(UseContext());
  if (!token_file.empty()) {
    PENSTOCK_ASSIGN_OR_RETURN(token_, ReadToken(token_file));
  }
  PENSTOCK_ASSIGN_OR_RETURN(
      std::shared_ptr<grpc::Channel> channel,
      MakeChannel(
          {.addresses = {server}, .tls = {.ca_file = tls_ca}, .max_message_bytes = kMaxMessage}));
  resources_ = v1::ResourceService::NewStub(channel);
  runs_ = v1::RunService::NewStub(channel);
  syncs_ = v1::SyncService::NewStub(channel);
  cluster_ = v1::ClusterService::NewStub(channel);
  return absl::OkStatus();
}

void Session::Authorize(grpc::ClientContext& context) const {
  if (!token_.empty()) context.AddMetadata("authorization", "Bearer " + token_);
}

absl::Status Session::Translate(const grpc::Status& status) const {
  // A service's own UNAVAILABLE has details; one that the connection made has none.
  const bool no_answer = status.error_details().empty() &&
                         (status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                          status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED);
  if (no_answer)
    return absl::UnavailableError(fmt::format(
        "no planner answers at {} {}", server,
        tls_ca.empty()
            ? "in plain text; start one (make up), name its address with --server or "
              "PENSTOCK_SERVER, or its authority with --tls-ca or PENSTOCK_TLS_CA when it serves "
              "TLS"
            : "with TLS and a certificate by " + tls_ca +
                  "; name its address with --server or PENSTOCK_SERVER, and the authority that "
                  "vouches for that name with --tls-ca or PENSTOCK_TLS_CA"));
  return FromGrpc(status, ErrorCode::kSTATE_UNAVAILABLE);
}

ExitCode Fail(const absl::Status& status) {
  fmt::print(stderr, "penstock: {}\n", Visible(Std(status.message())));
  return ExitCodeOf(status);
}

}  // namespace penstock::cli
