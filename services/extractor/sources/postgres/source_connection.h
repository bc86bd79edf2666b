#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/extractor/sources/postgres/connection_settings.h"
#include "services/extractor/sources/postgres/model_query.h"

struct pg_conn;
struct pg_result;
struct pg_cancel;

namespace penstock {

struct FreePg {
  void operator()(pg_conn* connection) const;
  void operator()(pg_result* result) const;
  void operator()(pg_cancel* cancel) const;
};
using PgResultPtr = std::unique_ptr<pg_result, FreePg>;

// A connection to a warehouse. Blocking; one thread. Errors are the warehouse's (SOURCE_...), and
// name its place.
class SourceConnection {
 public:
  static absl::StatusOr<SourceConnection> Connect(const PostgresSettings& settings);

  // Begins the read-only transaction in which everything is done, and fixes the settings on which
  // the text of values depends.
  absl::Status BeginReadOnly();

  // Runs one statement; text results. `query` tells where the user's SQL stands in it, if anywhere.
  absl::StatusOr<PgResultPtr> Run(const std::string& sql, const ModelQuery* query = nullptr);
  absl::StatusOr<PgResultPtr> RunWith(const std::string& sql, const std::string& parameter);
  // What the connection says of a failed statement, as an error.
  absl::Status Failure(const pg_result* result, const ModelQuery* query) const;

  pg_conn* raw() const { return connection_.get(); }

 private:
  SourceConnection(const PostgresSettings& settings, pg_conn* connection);
  absl::StatusOr<PgResultPtr> Check(pg_result* result, const ModelQuery* query) const;

  const PostgresSettings* settings_;
  std::unique_ptr<pg_conn, FreePg> connection_;
};

// The SQLSTATE of a failed statement, or empty.
std::string SqlStateOf(const pg_result* result);

}  // namespace penstock
