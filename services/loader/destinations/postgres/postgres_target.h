#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/model/batch.h"
#include "services/common/pg/pg_connection.h"
#include "services/loader/destinations/postgres/postgres_sql.h"

namespace penstock::loader {

// Where the records of one operation with one field table go.
struct PostgresTarget {
  std::string table;  // "schema.table" or "table"
  BatchHeader header;
  std::vector<uint16_t> omittable = {};  // fields whose NULL leaves the column as it is
};

// Looks up the columns that a batch's fields are written to. DESTINATION_REJECTED when the table or
// a column is not there, saying which.
absl::StatusOr<TargetLayout> DescribeTarget(PgConnection& session, const PostgresTarget& target);

// DESTINATION_REJECTED with the remedy when no unique constraint or index is over exactly the
// identity.
absl::Status CheckUnique(PgConnection& session, const TargetLayout& layout);

}  // namespace penstock::loader
