#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace penstock {

// host:port, [v6]:port or :port (every interface).
struct HostPort {
  std::string host;  // without brackets; may be empty
  uint16_t port = 0;
};

// INVALID_CONFIGURATION when the text is not of that form.
absl::StatusOr<HostPort> ParseHostPort(std::string_view text);

}  // namespace penstock
