#include "services/common/rpc/rpc_status.h"

#include <grpcpp/support/status.h>

#include <optional>

#include "absl/strings/cord.h"
#include "fmt/format.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "services/common/core/status.h"

namespace penstock {
namespace {

constexpr const char* kDomain = "penstock.dev";
constexpr std::chrono::milliseconds kDefaultRetryDelay{1000};
// More mistakes than anybody reads; they travel in metadata, which is bounded.
constexpr int kMaxViolations = 1000;

template <typename Message>
std::string Url() {
  return "type.googleapis.com/" + Message::descriptor()->full_name();
}

// Details other than the code travel inside absl::Status as payloads under their type's URL.
template <typename Message>
void Attach(absl::Status& status, const Message& message) {
  status.SetPayload(Url<Message>(), absl::Cord(message.SerializeAsString()));
}

template <typename Message>
std::optional<Message> Attached(const absl::Status& status) {
  auto payload = status.GetPayload(Url<Message>());
  Message message;
  if (!payload || !message.ParseFromString(std::string(*payload))) return std::nullopt;
  return message;
}

// What WithMetadata() put in: the rest follows from the code.
void AttachAdded(absl::Status& status, const google::rpc::ErrorInfo& info) {
  google::rpc::ErrorInfo added;
  *added.mutable_metadata() = info.metadata();
  added.mutable_metadata()->erase("owner");
  added.mutable_metadata()->erase("retry");
  if (!added.metadata().empty()) Attach(status, added);
}

google::rpc::ErrorInfo InfoOf(ErrorCode code) {
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(Name(code)));
  info.set_domain(kDomain);
  (*info.mutable_metadata())["owner"] = std::string(Name(OwnerOf(code)));
  (*info.mutable_metadata())["retry"] = std::string(Name(RetryOf(code)));
  return info;
}

// Codes by which gRPC itself says that the other side wasn't reached or didn't answer.
bool IsTransport(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::UNKNOWN:
      return true;
    default:
      return false;
  }
}

// gRPC refuses a message over its limit, at either end, with a code that services use too; but a
// service's own errors carry details.
bool IsTooLarge(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED &&
         status.error_message().find("message larger than max") != std::string::npos;
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(std::string(status.message()));
  ErrorCode code = CodeOf(status).value_or(ErrorCode::kINTERNAL);
  google::rpc::ErrorInfo info =
      Attached<google::rpc::ErrorInfo>(status).value_or(google::rpc::ErrorInfo());
  info.MergeFrom(InfoOf(code));
  details.add_details()->PackFrom(info);
  if (auto bad_request = Attached<google::rpc::BadRequest>(status))
    details.add_details()->PackFrom(*bad_request);
  if (auto retry = Attached<google::rpc::RetryInfo>(status)) {
    details.add_details()->PackFrom(*retry);
  } else if (status.code() == absl::StatusCode::kUnavailable ||
             status.code() == absl::StatusCode::kResourceExhausted) {
    google::rpc::RetryInfo wait;
    wait.mutable_retry_delay()->set_seconds(kDefaultRetryDelay.count() / 1000);
    details.add_details()->PackFrom(wait);
  }
  return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
          details.SerializeAsString()};
}

absl::Status FromGrpc(const grpc::Status& status, ErrorCode unavailable) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  std::optional<ErrorCode> code;
  absl::Status attachments = absl::UnknownError("");
  for (const google::protobuf::Any& detail : details.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad_request;
    google::rpc::RetryInfo retry;
    if (detail.UnpackTo(&info) && info.domain() == kDomain) {
      code = ErrorCodeByName(info.reason());
      AttachAdded(attachments, info);
    }
    if (detail.UnpackTo(&bad_request)) Attach(attachments, bad_request);
    if (detail.UnpackTo(&retry)) Attach(attachments, retry);
  }
  if (!code && IsTooLarge(status)) {
    return Error(ErrorCode::kMESSAGE_TOO_LARGE,
                 fmt::format("{} bytes; send less at once, or raise --max-message of the services",
                             status.error_message()));
  }
  if (!code && IsTransport(status.error_code())) code = unavailable;
  absl::Status out = Error(code.value_or(ErrorCode::kINTERNAL), status.error_message());
  // The sender's canonical code, which may be finer than what follows from the name.
  if (!IsTransport(status.error_code())) {
    absl::Status exact(static_cast<absl::StatusCode>(status.error_code()), out.message());
    out.ForEachPayload(
        [&](absl::string_view url, const absl::Cord& payload) { exact.SetPayload(url, payload); });
    out = std::move(exact);
  }
  attachments.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& payload) { out.SetPayload(url, payload); });
  return out;
}

absl::Status BadRequestError(ErrorCode code, const std::vector<FieldViolation>& violations) {
  google::rpc::BadRequest bad_request;
  for (const FieldViolation& violation : violations) {
    if (bad_request.field_violations_size() == kMaxViolations) break;
    auto* out = bad_request.add_field_violations();
    out->set_field(violation.field);
    out->set_description(violation.description);
  }
  const FieldViolation& first = violations.front();
  std::string message = fmt::format("{}: {}", first.field, first.description);
  if (violations.size() > 1) message += fmt::format(" (and {} more)", violations.size() - 1);
  absl::Status status = Error(code, message);
  Attach(status, bad_request);
  return status;
}

std::vector<FieldViolation> FieldViolationsOf(const absl::Status& status) {
  std::vector<FieldViolation> violations;
  if (auto bad_request = Attached<google::rpc::BadRequest>(status)) {
    for (const auto& violation : bad_request->field_violations())
      violations.push_back({violation.field(), violation.description()});
  }
  return violations;
}

absl::Status WithMetadata(absl::Status status, const std::string& key, const std::string& value) {
  google::rpc::ErrorInfo info =
      Attached<google::rpc::ErrorInfo>(status).value_or(google::rpc::ErrorInfo());
  (*info.mutable_metadata())[key] = value;
  Attach(status, info);
  return status;
}

std::string MetadataOf(const absl::Status& status, const std::string& key) {
  const auto info = Attached<google::rpc::ErrorInfo>(status);
  if (!info || !info->metadata().contains(key)) return "";
  return info->metadata().at(key);
}

absl::Status WithRetryDelay(absl::Status status, std::chrono::milliseconds delay) {
  google::rpc::RetryInfo info;
  info.mutable_retry_delay()->set_seconds(delay.count() / 1000);
  info.mutable_retry_delay()->set_nanos(static_cast<int32_t>(delay.count() % 1000) * 1'000'000);
  Attach(status, info);
  return status;
}

std::chrono::milliseconds RetryDelayOf(const absl::Status& status) {
  auto info = Attached<google::rpc::RetryInfo>(status);
  if (!info) return std::chrono::milliseconds(0);
  return std::chrono::milliseconds(info->retry_delay().seconds() * 1000 +
                                   info->retry_delay().nanos() / 1'000'000);
}

}  // namespace penstock
