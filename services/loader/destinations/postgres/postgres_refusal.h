#pragma once

#include <string>

#include "services/common/core/clock.h"

namespace penstock::loader {

// Why a server refuses a session, as SQLSTATE: libpq tells it of a connection that failed only in a
// message made to be verbose. Connects once more to ask, until `deadline`; empty when the server
// was not reached, or takes the session now. Blocks.
std::string RefusalState(const std::string& connection_string, BootTime deadline);

}  // namespace penstock::loader
