#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "services/common/pg/pg_result.h"
#include "services/common/pg/pg_value.h"

struct pg_conn;
struct pg_result;

namespace penstock {

// A connection to a PostgreSQL database through libpq, parameters and results in binary form.
// Blocking; used by one thread at a time. Errors are SQLSTATEs turned into Status by pg_errors.h.
class PgConnection {
 public:
  // `conninfo` is a libpq connection string or URI; a password file holds the password that it
  // lacks. DATABASE_UNAVAILABLE when the server can't be reached or has no connection left, or the
  // file can't be read.
  static absl::StatusOr<std::unique_ptr<PgConnection>> Connect(
      const std::string& conninfo, const std::string& password_file = {});
  ~PgConnection();
  PgConnection(const PgConnection&) = delete;
  PgConnection& operator=(const PgConnection&) = delete;

  // INVALID_CONFIGURATION when the string can't be understood, has a password beside a password
  // file, or that file can't be read; connects to nothing.
  static absl::Status Check(const std::string& conninfo, const std::string& password_file);

  // Runs one statement; `sql` is prepared at its first use on this connection, so it should be a
  // literal.
  absl::StatusOr<PgResult> Exec(const std::string& sql, std::span<const PgValue> params);
  absl::StatusOr<PgResult> Exec(const std::string& sql, std::initializer_list<PgValue> params) {
    return Exec(sql, std::span(params.begin(), params.size()));
  }
  // Runs statements without parameters, separated by semicolons; for migrations and transaction
  // control.
  absl::Status ExecScript(const std::string& sql);

  // COPY … FROM STDIN (FORMAT binary) or text: `next` appends the next piece, or returns false at
  // the end.
  absl::Status CopyIn(const std::string& sql, const std::function<bool(std::string& piece)>& next);

  // The server closed the connection or it broke: nothing more works on it.
  bool broken() const;
  pg_conn* raw() const { return conn_; }

 private:
  explicit PgConnection(pg_conn* conn) : conn_(conn) {}
  absl::Status Check(pg_result* result) const;

  pg_conn* conn_;
  std::unordered_map<std::string, std::string> prepared_;  // SQL -> statement name
};

// A transaction; rolls back unless committed.
class PgTransaction {
 public:
  static absl::StatusOr<PgTransaction> Begin(PgConnection& connection, std::string_view mode = "");
  ~PgTransaction();
  PgTransaction(PgTransaction&& other) noexcept;
  PgTransaction& operator=(PgTransaction&&) = delete;

  absl::StatusOr<PgResult> Exec(const std::string& sql,
                                std::initializer_list<PgValue> params = {}) {
    return connection_->Exec(sql, params);
  }
  absl::StatusOr<PgResult> Exec(const std::string& sql, std::span<const PgValue> params) {
    return connection_->Exec(sql, params);
  }
  // An error for which pg_errors.h's CommitUnknown() is true leaves it open whether the transaction
  // took place.
  absl::Status Commit();
  PgConnection& connection() { return *connection_; }

 private:
  explicit PgTransaction(PgConnection& connection) : connection_(&connection) {}
  PgConnection* connection_;  // nullptr: over
};

}  // namespace penstock
