#pragma once

#include <string>

#include "penstock/internal/v1/delivery.pb.h"
#include "services/loader/domain/lane.h"

namespace penstock::loader {

// What a lane's decision to park asks of state. A quota is the account's, a dead or refusing
// endpoint the destination's.
penstock::internal::v1::ParkAccountRequest ParkRequest(const std::string& account,
                                                       const std::string& destination,
                                                       const LanePark& park);

}  // namespace penstock::loader
