#pragma once

#include <string>

#include "absl/status/status.h"

namespace penstock {
class PgTransaction;
}

namespace penstock::state {

// Stores who did what ("apply") to which resource ("Sync/people").
absl::Status Audit(PgTransaction& tx, const std::string& actor, const char* action,
                   const std::string& subject);

}  // namespace penstock::state
