#include "services/common/core/status.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "services/common/core/utf8.h"

namespace penstock {
namespace {

constexpr absl::string_view kPayload = "penstock.dev/error-code";

absl::StatusCode CanonicalCode(ErrorCode code) {
  switch (code) {
    case ErrorCode::kINVALID_RESOURCE:
    case ErrorCode::kINVALID_CONFIGURATION:
    case ErrorCode::kINVALID_REQUEST:
    case ErrorCode::kNOT_SUPPORTED_YET:
    case ErrorCode::kMESSAGE_TOO_LARGE:
    case ErrorCode::kREQUEST_ID_REUSED:
      return absl::StatusCode::kInvalidArgument;
    case ErrorCode::kUNAUTHENTICATED:
      return absl::StatusCode::kUnauthenticated;
    case ErrorCode::kRESOURCE_NOT_FOUND:
      return absl::StatusCode::kNotFound;
    case ErrorCode::kSTALE_REVISION:
    case ErrorCode::kLEASE_LOST:
    case ErrorCode::kGRANT_REFUSED:
      return absl::StatusCode::kAborted;
    case ErrorCode::kQUEUE_FULL:
    case ErrorCode::kSPOOL_FULL:
    case ErrorCode::kDESTINATION_RATE_LIMITED:
      return absl::StatusCode::kResourceExhausted;
    case ErrorCode::kSOURCE_UNREACHABLE:
    case ErrorCode::kSOURCE_UNAVAILABLE:
    case ErrorCode::kSOURCE_CONNECTION_LOST:
    case ErrorCode::kDESTINATION_UNREACHABLE:
    case ErrorCode::kDESTINATION_TIMEOUT:
    case ErrorCode::kDESTINATION_UNAVAILABLE:
    case ErrorCode::kDESTINATION_BAD_ANSWER:
    case ErrorCode::kSTATE_UNAVAILABLE:
    case ErrorCode::kWORKERS_UNAVAILABLE:
    case ErrorCode::kDRAINING:
    case ErrorCode::kDATABASE_UNAVAILABLE:
    case ErrorCode::kQUEUE_UNAVAILABLE:
      return absl::StatusCode::kUnavailable;
    case ErrorCode::kDATA_CORRUPT:
      return absl::StatusCode::kDataLoss;
    case ErrorCode::kILLEGAL_TRANSITION:
    case ErrorCode::kINTERNAL:
      return absl::StatusCode::kInternal;
    default:
      return absl::StatusCode::kFailedPrecondition;
  }
}

}  // namespace

absl::Status Error(ErrorCode code, std::string_view message) {
  absl::Status status(CanonicalCode(code), CleanText(message));
  status.SetPayload(kPayload, absl::Cord(Absl(Name(code))));
  return status;
}

std::optional<ErrorCode> CodeOf(const absl::Status& status) {
  if (status.ok()) return std::nullopt;
  auto payload = status.GetPayload(kPayload);
  if (!payload.has_value()) return ErrorCode::kINTERNAL;
  return ErrorCodeByName(std::string(*payload));
}

absl::Status WithContext(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  absl::Status out(status.code(), absl::StrCat(Absl(context), ": ", status.message()));
  status.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& payload) { out.SetPayload(url, payload); });
  return out;
}

}  // namespace penstock
