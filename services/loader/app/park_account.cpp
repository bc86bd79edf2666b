#include "services/loader/app/park_account.h"

#include <chrono>

namespace penstock::loader {

namespace pb = penstock::internal::v1;

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
  request.mutable_error()->set_code(std::string(Name(park.code)));
  request.mutable_error()->set_message(park.message);
  request.mutable_error()->set_owner(std::string(Name(OwnerOf(park.code))));
  return request;
}

}  // namespace penstock::loader
