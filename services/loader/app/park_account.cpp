#include "services/loader/app/park_account.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "services/common/convert/run_error.h"
#include "services/common/core/status.h"

namespace penstock::loader {

namespace pb = penstock::internal::v1;

namespace {

// What to do about it, where the words of the answer do not say.
std::string_view Remedy(ErrorCode code) {
  switch (code) {
    case ErrorCode::kDESTINATION_UNAUTHENTICATED:
      return "; correct the credentials or their secret, then apply or resume";
    case ErrorCode::kDESTINATION_FORBIDDEN:
      return "; give the credentials' user the rights, then apply or resume";
    case ErrorCode::kDESTINATION_UNREACHABLE:
      return "; check base_url and the network between; it is tried again by itself";
    case ErrorCode::kDESTINATION_BAD_ANSWER:
      return "; see whether base_url leads to the API, and whether the connector's result fits "
             "what it answers; it is tried again by itself";
    case ErrorCode::kDESTINATION_TIMEOUT:
    case ErrorCode::kDESTINATION_UNAVAILABLE:
      return "; its operators must act; it is tried again by itself";
    default:
      return "";
  }
}

}  // namespace

pb::ParkAccountRequest ParkRequest(const std::string& account, const std::string& destination,
                                   const LanePark& park) {
  pb::ParkAccountRequest request;
  request.set_account(account);
  switch (park.reason) {
    case ParkReason::kQuota:
      request.set_reason(pb::PARK_REASON_QUOTA);
      break;
    case ParkReason::kDestinationDown:
      request.set_reason(pb::PARK_REASON_DESTINATION_DOWN);
      request.set_destination(destination);
      break;
    case ParkReason::kUserMustFix:
      request.set_reason(pb::PARK_REASON_USER);
      request.set_destination(destination);
      break;
  }
  if (park.wait) {
    request.set_wait_ms(std::chrono::duration_cast<std::chrono::milliseconds>(*park.wait).count());
  }
  *request.mutable_error() = RunErrorOf(
      park.code,
      absl::StrCat("Destination \"", destination, "\": ", park.message, Absl(Remedy(park.code))));
  return request;
}

}  // namespace penstock::loader
