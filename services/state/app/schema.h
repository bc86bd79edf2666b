#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace penstock {
class PgConnection;
}

namespace penstock::state {

struct Migration {
  int version = 0;
  std::string name;  // V0001__heart
  std::string sql;
};

// The migrations of services/state/migrations, ascending.
std::vector<Migration> EmbeddedMigrations();

// Brings the database to the newest of `migrations`, under an advisory lock, so that replicas may
// start together; each migration is one transaction. SCHEMA_VERSION when the database is more than
// one version newer than this build knows: migrations are additive, so one version newer is fine
// and a rollout can be undone.
absl::Status Migrate(PgConnection& connection, const std::vector<Migration>& migrations);

}  // namespace penstock::state
