#include "services/extractor/sources/postgres/source_connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "services/common/core/clock.h"
#include "services/common/core/status.h"
#include "services/common/core/utf8.h"

namespace penstock {
namespace {

std::string Trimmed(const char* message) {
  std::string text = message == nullptr ? "" : message;
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0)
    text.pop_back();
  return text;
}

// libpq keeps no SQLSTATE of a refused connection but in a verbose message: "FATAL:  28P01: ...".
std::string SqlStateInMessage(const std::string& message) {
  constexpr size_t kLength = 5;
  size_t at = message.find(":  ");
  if (at == message.npos) return "";
  std::string code = message.substr(at + 3, kLength);
  return message.compare(at + 3 + kLength, 2, ": ") == 0 ? code : "";
}

// "Not now": the server is out of connections, memory or disk (class 53), its disk fails (58), or
// it gave up the statement for others' sake (a standby in recovery, a deadlock, a lock).
bool IsBusy(const std::string& state) {
  return state.starts_with("53") || state.starts_with("58") || state == "40001" ||
         state == "40P01" || state == "55P03";
}

absl::Status Busy(const PostgresSettings& settings, const std::string& message,
                  const std::string& state) {
  const bool connections = state == "53300";
  return Error(ErrorCode::kSOURCE_UNAVAILABLE,
               "warehouse " + settings.place + " can't serve now: " + message + " [" + state + "]" +
                   (connections ? "; raise its max_connections or the user's CONNECTION LIMIT, or "
                                  "end other sessions"
                                : "; the read is tried again"));
}

absl::Status ConnectFailure(const PostgresSettings& settings, const PGconn* connection) {
  std::string message = Trimmed(PQerrorMessage(connection));
  std::string state = SqlStateInMessage(message);
  // A verbose message goes on with the place in the server's source.
  message = message.substr(0, message.find("\nLOCATION:"));
  if (IsBusy(state) || state == "57P03") return Busy(settings, message, state);
  if (state == "3D000")
    return Error(ErrorCode::kINVALID_CONFIGURATION,
                 "warehouse " + settings.place + ": " + message + "; check config.database");
  if (state.starts_with("28") || state == "42501" || PQconnectionNeedsPassword(connection) == 1)
    return Error(ErrorCode::kSOURCE_AUTHENTICATION_FAILED,
                 "warehouse " + settings.place + " refuses the credentials: " + message +
                     "; check config.user and config.password");
  return Error(ErrorCode::kSOURCE_UNREACHABLE,
               "warehouse " + settings.place + " can't be reached: " + message +
                   "; check config.host, config.port, config.database and config.tls");
}

absl::Status WaitUntilConnected(const PostgresSettings& settings, PGconn* connection) {
  const BootTime deadline = BootClock::now() + settings.connect_timeout;
  for (PostgresPollingStatusType state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK;) {
    if (state == PGRES_POLLING_FAILED) return ConnectFailure(settings, connection);
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - BootClock::now());
    pollfd wait{.fd = PQsocket(connection),
                .events = static_cast<short>(state == PGRES_POLLING_READING ? POLLIN : POLLOUT),
                .revents = 0};
    int ready = left.count() <= 0 ? 0 : poll(&wait, 1, static_cast<int>(left.count()));
    if (ready == 0)
      return Error(ErrorCode::kSOURCE_UNREACHABLE,
                   "warehouse " + settings.place + " did not answer within " +
                       std::to_string(settings.connect_timeout.count()) +
                       " ms; check config.host, config.port and the network between");
    if (ready > 0 || errno != EINTR) state = PQconnectPoll(connection);
  }
  return absl::OkStatus();
}

// A server quotes values in its errors, however long they are.
constexpr size_t kMaxErrorText = 1000;

std::string Field(const pg_result* result, int field) {
  const std::string text = CleanText(Trimmed(PQresultErrorField(result, field)));
  return std::string(ClipText(text, kMaxErrorText));
}

// What the user can do about it, where the code tells.
std::string Remedy(const std::string& state) {
  if (state == "42501") return "; grant the warehouse's user what it lacks (SELECT, USAGE)";
  if (state == "57014") return "; make the query faster or raise config.statement_timeout";
  if (state.starts_with("42")) return "; correct the model";
  return "";
}

}  // namespace

void FreePg::operator()(pg_conn* connection) const {
  PQfinish(connection);
}
void FreePg::operator()(pg_result* result) const {
  PQclear(result);
}
void FreePg::operator()(pg_cancel* cancel) const {
  PQfreeCancel(cancel);
}

std::string SqlStateOf(const pg_result* result) {
  return Field(result, PG_DIAG_SQLSTATE);
}

SourceConnection::SourceConnection(const PostgresSettings& settings, pg_conn* connection)
    : settings_(&settings), connection_(connection) {}

absl::StatusOr<SourceConnection> SourceConnection::Connect(const PostgresSettings& settings) {
  std::vector<const char*> keywords, values;
  for (const auto& [keyword, value] : settings.parameters) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  SourceConnection connection(settings, PQconnectStartParams(keywords.data(), values.data(), 0));
  PGconn* raw = connection.raw();
  if (raw == nullptr || PQstatus(raw) == CONNECTION_BAD) return ConnectFailure(settings, raw);
  PQsetErrorVerbosity(raw, PQERRORS_VERBOSE);
  PENSTOCK_RETURN_IF_ERROR(WaitUntilConnected(settings, raw));
  // A database without an encoding can't convert to one: a byte that is not UTF-8 would fail the
  // whole read, where taken as it is it makes one row invalid.
  const char* encoding = PQparameterStatus(raw, "server_encoding");
  if (encoding != nullptr && std::string_view(encoding) == "SQL_ASCII" &&
      PQsetClientEncoding(raw, "SQL_ASCII") != 0)
    return ConnectFailure(settings, raw);
  PQsetNoticeProcessor(raw, [](void*, const char*) {}, nullptr);
  return connection;
}

absl::Status SourceConnection::BeginReadOnly() {
  std::string sql =
      "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
      "SET LOCAL statement_timeout = " +
      std::to_string(settings_->statement_timeout.count()) +
      ";SET LOCAL timezone = 'UTC';SET LOCAL datestyle = 'ISO';"
      "SET LOCAL intervalstyle = 'iso_8601';SET LOCAL bytea_output = 'hex';"
      "SET LOCAL extra_float_digits = 1";
  PENSTOCK_RETURN_IF_ERROR(Run(sql).status());
  if (settings_->schema.empty()) return absl::OkStatus();
  return RunWith(
             "SELECT set_config('search_path', $1 || ', ' || current_setting('search_path'), true)",
             QuoteIdentifier(settings_->schema))
      .status();
}

absl::StatusOr<PgResultPtr> SourceConnection::Run(const std::string& sql, const ModelQuery* query) {
  return Check(PQexec(raw(), sql.c_str()), query);
}

absl::StatusOr<PgResultPtr> SourceConnection::RunWith(const std::string& sql,
                                                      const std::string& parameter) {
  const char* value = parameter.c_str();
  return Check(PQexecParams(raw(), sql.c_str(), 1, nullptr, &value, nullptr, nullptr, 0), nullptr);
}

absl::StatusOr<PgResultPtr> SourceConnection::Check(pg_result* result,
                                                    const ModelQuery* query) const {
  PgResultPtr owned(result);
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_COPY_OUT:
      return owned;
    default:
      return Failure(result, query);
  }
}

absl::Status SourceConnection::Failure(const pg_result* result, const ModelQuery* query) const {
  std::string state = result == nullptr ? "" : SqlStateOf(result);
  // Class 08 is a broken connection; 57P01 to 57P03 a server that is going away.
  if (PQstatus(raw()) == CONNECTION_BAD || state.empty() || state.starts_with("08") ||
      state.starts_with("57P"))
    return Error(ErrorCode::kSOURCE_CONNECTION_LOST,
                 "warehouse " + settings_->place + " closed the connection: " +
                     (state.empty() ? Trimmed(PQerrorMessage(raw()))
                                    : Field(result, PG_DIAG_MESSAGE_PRIMARY)));
  std::string message = Field(result, PG_DIAG_MESSAGE_PRIMARY);
  if (IsBusy(state)) return Busy(*settings_, message, state);
  std::string position = Field(result, PG_DIAG_STATEMENT_POSITION);
  size_t number = 0;
  std::from_chars(position.data(), position.data() + position.size(), number);
  std::string where = query == nullptr ? "" : query->Place(number);
  if (!where.empty()) message += " (" + where + ")";
  for (int field : std::array<int, 2>{PG_DIAG_MESSAGE_DETAIL, PG_DIAG_MESSAGE_HINT}) {
    if (std::string more = Field(result, field); !more.empty()) message += ". " + more;
  }
  return Error(ErrorCode::kSOURCE_QUERY_FAILED, "warehouse " + settings_->place + ": " + message +
                                                    " [" + state + "]" + Remedy(state));
}

}  // namespace penstock
