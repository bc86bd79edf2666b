#include "services/state/app/audit.h"

#include "services/common/pg/pg_connection.h"

namespace penstock::state {

absl::Status Audit(PgTransaction& tx, const std::string& actor, const char* action,
                   const std::string& subject) {
  return tx
      .Exec("INSERT INTO audit (actor, action, subject) VALUES ($1, $2, $3)",
            {actor, action, subject})
      .status();
}

}  // namespace penstock::state
