#include "services/state/app/schema.h"

#include "absl/strings/str_cat.h"
#include "services/common/core/status.h"
#include "services/common/pg/pg_connection.h"

namespace penstock::state {
namespace {

// "penstock" in ASCII: any number that other users of the database are unlikely to lock.
constexpr int64_t kMigrationLock = 0x70656e73746f636b;

absl::StatusOr<int> CurrentVersion(PgConnection& connection) {
  PENSTOCK_RETURN_IF_ERROR(
      connection.ExecScript("CREATE TABLE IF NOT EXISTS schema_versions ("
                            "version int PRIMARY KEY, name text NOT NULL, applied_at timestamptz "
                            "NOT NULL DEFAULT now())"));
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult result,
      connection.Exec("SELECT coalesce(max(version), 0) FROM schema_versions", {}));
  return static_cast<int>(result.Int(0, 0));
}

absl::Status Apply(PgConnection& connection, const Migration& migration) {
  PENSTOCK_ASSIGN_OR_RETURN(PgTransaction tx, PgTransaction::Begin(connection));
  PENSTOCK_RETURN_IF_ERROR(connection.ExecScript(migration.sql));
  PENSTOCK_RETURN_IF_ERROR(tx.Exec("INSERT INTO schema_versions (version, name) VALUES ($1, $2)",
                                   {migration.version, migration.name})
                               .status());
  return tx.Commit();
}

}  // namespace

absl::Status Migrate(PgConnection& connection, const std::vector<Migration>& migrations) {
  PENSTOCK_RETURN_IF_ERROR(
      connection.Exec("SELECT pg_advisory_lock($1)", {kMigrationLock}).status());
  PENSTOCK_ASSIGN_OR_RETURN(const int current, CurrentVersion(connection));
  const int newest = migrations.empty() ? 0 : migrations.back().version;
  if (current > newest + 1) {
    return Error(ErrorCode::kSCHEMA_VERSION,
                 absl::StrCat("the database is at schema version ", current,
                              ", this build of penstock-state knows ", newest,
                              " and works with at most one newer: run a newer penstock-state"));
  }
  for (const Migration& migration : migrations) {
    if (migration.version <= current) continue;
    if (absl::Status status = Apply(connection, migration); !status.ok()) {
      return WithContext(status, "migration " + migration.name);
    }
  }
  return connection.Exec("SELECT pg_advisory_unlock($1)", {kMigrationLock}).status();
}

}  // namespace penstock::state
