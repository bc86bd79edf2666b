#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace penstock {

// A Status for a server's error: `sqlstate` is empty where the connection broke. Servers that are
// away, shutting down, read-only or out of connections give DATABASE_UNAVAILABLE; all else is
// INTERNAL, for the SQL is Penstock's own.
absl::Status PgError(std::string_view sqlstate, std::string_view message);

// The SQLSTATE that PgError() got; empty where there is none.
std::string SqlState(const absl::Status& status);

// The transaction lost a race (serialization failure, deadlock): the same work may simply be tried
// again.
bool IsRaceLost(const absl::Status& status);

// Marks an error after which nobody knows whether the COMMIT took place.
absl::Status AsCommitUnknown(const absl::Status& status);
bool CommitUnknown(const absl::Status& status);

}  // namespace penstock
