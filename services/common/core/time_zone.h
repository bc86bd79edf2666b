#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace penstock {

// The zone of an IANA name ("Europe/Berlin") in the machine's zoneinfo database. INVALID_REQUEST
// with the nearest name when there is none: no zone stands in for another.
absl::StatusOr<absl::TimeZone> FindTimeZone(std::string_view name);

}  // namespace penstock
