#include "services/common/pg/pg_connection.h"

#include <libpq-fe.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/common/core/secret_file.h"
#include "services/common/core/status.h"
#include "services/common/pg/pg_errors.h"

namespace penstock {
namespace {

constexpr int kBinary = 1;

}  // namespace

absl::Status PgConnection::Check(const std::string& conninfo, const std::string& password_file) {
  char* why = nullptr;
  PQconninfoOption* options = PQconninfoParse(conninfo.c_str(), &why);
  const std::unique_ptr<char, decltype(&PQfreemem)> owned_why(why, &PQfreemem);
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> owned(options,
                                                                           &PQconninfoFree);
  if (options == nullptr) {
    // Without libpq's words, which may repeat the password.
    return Error(ErrorCode::kINVALID_CONFIGURATION,
                 "it is no connection string; write postgresql://[user@]host[:port]/database or "
                 "host=… user=… dbname=…");
  }
  if (password_file.empty()) return absl::OkStatus();
  for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option) {
    if (std::string_view(option->keyword) == "password" && option->val != nullptr) {
      return Error(ErrorCode::kINVALID_CONFIGURATION,
                   absl::StrCat("it has a password beside the file ", password_file));
    }
  }
  return ReadSecretFile(password_file).status();
}

absl::StatusOr<std::unique_ptr<PgConnection>> PgConnection::Connect(
    const std::string& conninfo, const std::string& password_file) {
  std::string password;
  if (!password_file.empty()) {
    const absl::StatusOr<Secret> secret = ReadSecretFile(password_file);
    if (!secret.ok())
      return Error(ErrorCode::kDATABASE_UNAVAILABLE, Std(secret.status().message()));
    password = secret->Reveal();
  }
  // A network that goes silent must end a call, not hang its thread; what the caller's string says
  // of these wins.
  const char* const keywords[] = {"connect_timeout", "tcp_user_timeout", "keepalives_idle",
                                  "password",        "dbname",           nullptr};
  const char* const values[] = {
      "10",   "30000", "30", password_file.empty() ? nullptr : password.c_str(), conninfo.c_str(),
      nullptr};
  std::unique_ptr<PgConnection> connection(
      new PgConnection(PQconnectdbParams(keywords, values, /*expand_dbname=*/1)));
  if (PQstatus(connection->conn_) != CONNECTION_OK)
    return PgError("", PQerrorMessage(connection->conn_));
  // Notices would go to stderr, between the lines of JSON.
  PQsetNoticeProcessor(connection->conn_, [](void*, const char*) {}, nullptr);
  return connection;
}

PgConnection::~PgConnection() {
  PQfinish(conn_);
}

bool PgConnection::broken() const {
  return PQstatus(conn_) != CONNECTION_OK;
}

absl::Status PgConnection::Check(pg_result* result) const {
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_COPY_IN:
      return absl::OkStatus();
    default:
      break;
  }
  const char* state = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* primary =
      result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  return PgError(state == nullptr ? "" : state,
                 primary == nullptr ? PQerrorMessage(conn_) : primary);
}

absl::StatusOr<PgResult> PgConnection::Exec(const std::string& sql,
                                            std::span<const PgValue> params) {
  auto [statement, is_new] = prepared_.try_emplace(sql);
  if (is_new) {
    std::vector<Oid> types;
    for (const PgValue& param : params) types.push_back(param.type());
    std::string name = absl::StrCat("s", prepared_.size());
    pg_result* result =
        PQprepare(conn_, name.c_str(), sql.c_str(), static_cast<int>(types.size()), types.data());
    const PgResult owned(result);
    absl::Status status = Check(result);
    if (!status.ok()) {
      prepared_.erase(statement);
      return status;
    }
    statement->second = std::move(name);
  }
  std::vector<const char*> values;
  std::vector<int> lengths, formats;
  for (const PgValue& param : params) {
    values.push_back(param.bytes().has_value() ? param.bytes()->data() : nullptr);
    lengths.push_back(param.bytes().has_value() ? static_cast<int>(param.bytes()->size()) : 0);
    formats.push_back(kBinary);
  }
  pg_result* result =
      PQexecPrepared(conn_, statement->second.c_str(), static_cast<int>(values.size()),
                     values.data(), lengths.data(), formats.data(), kBinary);
  PgResult owned(result);
  PENSTOCK_RETURN_IF_ERROR(Check(result));
  return owned;
}

absl::Status PgConnection::ExecScript(const std::string& sql) {
  pg_result* result = PQexec(conn_, sql.c_str());
  const PgResult owned(result);
  return Check(result);
}

absl::Status PgConnection::CopyIn(const std::string& sql,
                                  const std::function<bool(std::string& piece)>& next) {
  PENSTOCK_RETURN_IF_ERROR(ExecScript(sql));
  std::string piece;
  bool sent = true;
  while (sent && (piece.clear(), next(piece))) {
    sent = PQputCopyData(conn_, piece.data(), static_cast<int>(piece.size())) == 1;
  }
  if (!sent || PQputCopyEnd(conn_, nullptr) != 1) return PgError("", PQerrorMessage(conn_));
  absl::Status status;
  while (pg_result* result = PQgetResult(conn_)) {
    const PgResult owned(result);
    if (status.ok()) status = Check(result);
  }
  return status;
}

absl::StatusOr<PgTransaction> PgTransaction::Begin(PgConnection& connection,
                                                   std::string_view mode) {
  PENSTOCK_RETURN_IF_ERROR(connection.ExecScript(absl::StrCat("BEGIN ", Absl(mode))));
  return PgTransaction(connection);
}

PgTransaction::PgTransaction(PgTransaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

PgTransaction::~PgTransaction() {
  // A failure breaks the connection, which its owner then sees.
  if (connection_ != nullptr) connection_->ExecScript("ROLLBACK").IgnoreError();
}

absl::Status PgTransaction::Commit() {
  PgConnection* connection = std::exchange(connection_, nullptr);
  absl::Status status = connection->ExecScript("COMMIT");
  return status.ok() || !connection->broken() ? status : AsCommitUnknown(status);
}

}  // namespace penstock
