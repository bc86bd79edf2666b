#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/model/resources.h"

namespace penstock {

// How a Source of kind postgres is reached, from its `config`, references resolved.
struct PostgresSettings {
  std::vector<std::pair<std::string, std::string>> parameters;  // libpq's keywords
  std::string schema;
  std::string place;  // "reader@wh.internal:5432/analytics", for messages
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(10);
  std::chrono::milliseconds statement_timeout = std::chrono::hours(1);
};

// INVALID_CONFIGURATION that names the field: an unknown one, a missing one, a value out of range.
// Fields: host, port (5432), database, user, password, tls (disable, prefer, require, verify-ca,
// verify-full; default prefer), tls_ca (a file), connect_timeout and statement_timeout (seconds).
absl::StatusOr<PostgresSettings> ReadPostgresSettings(const Source& source);

}  // namespace penstock
