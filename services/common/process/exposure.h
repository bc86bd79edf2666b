#pragma once

#include <string>

#include "absl/status/status.h"
#include "services/common/config/service_settings.h"

namespace penstock {

// Who reaches a service may do all that it can. Beyond this machine it wants to be encrypted and to
// know its callers: by their certificate, or by a token where there are such (`token_file`, may be
// empty; null where callers are services). INVALID_CONFIGURATION says what to give. With --insecure
// the log warns of it instead (event insecure_listen).
absl::Status CheckExposure(const ServeSettings& settings, const std::string* token_file = nullptr);

// The checks of StartServer()'s certificates, for a service that waits for something before it
// serves: what is wrong ends it at once. The callers are other services.
absl::Status CheckServerTls(const ServeSettings& settings);

}  // namespace penstock
