#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace penstock::crm {

class CrmApi;

// Serves the API over HTTP/1.1 with keep-alive on this thread until SIGTERM or SIGINT, all
// connections at once. Prints the address on stdout as soon as it listens. INVALID_CONFIGURATION
// when `listen` (address:port, port 0 for a free one) can't be listened on.
absl::Status Serve(std::string_view listen, CrmApi& api);

}  // namespace penstock::crm
