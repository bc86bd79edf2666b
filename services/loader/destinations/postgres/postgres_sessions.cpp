#include "services/loader/destinations/postgres/postgres_sessions.h"

#include <libpq-fe.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "fmt/format.h"
#include "services/common/core/status.h"
#include "services/common/pg/pg_errors.h"
#include "services/loader/destinations/postgres/postgres_refusal.h"

namespace penstock::loader {

namespace asio = boost::asio;

namespace {

std::string Quoted(const std::string& value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

}  // namespace

absl::StatusOr<std::string> PostgresConnectionString(const Config& config) {
  static const std::map<std::string, std::string> kNames = {
      {"host", "host"},         {"port", "port"},   {"database", "dbname"},   {"user", "user"},
      {"password", "password"}, {"tls", "sslmode"}, {"tls_ca", "sslrootcert"}};
  // Dead peers are noticed in about a minute also while nothing is sent.
  std::string out =
      "application_name=penstock connect_timeout=10 keepalives_idle=30 keepalives_interval=10 "
      "keepalives_count=3";
  for (const auto& [name, value] : config) {
    const auto known = kNames.find(name);
    if (known == kNames.end()) {
      return Error(ErrorCode::kINVALID_CONFIGURATION,
                   fmt::format("config.{} is unknown to the postgres destination; known are host, "
                               "port, database, user, password, tls, tls_ca",
                               name));
    }
    out += fmt::format(" {}={}", known->second, Quoted(value));
  }
  for (const char* needed : {"host", "database", "user"}) {
    if (!config.contains(needed)) {
      return Error(ErrorCode::kINVALID_CONFIGURATION, fmt::format("config.{} is missing", needed));
    }
  }
  return out;
}

PostgresSessions::PostgresSessions(std::string connection_string, size_t max_sessions)
    : connection_string_(std::move(connection_string)), threads_(max_sessions) {}

PostgresSessions::~PostgresSessions() {
  threads_.join();
}

asio::awaitable<void> PostgresSessions::Run(BootTime deadline, Work work) {
  // What the timer needs to cut the session that the thread uses.
  struct Attempt {
    std::mutex mutex;
    int socket = -1;
    bool interrupted = false;
  };
  auto attempt = std::make_shared<Attempt>();
  asio::steady_timer timer(co_await asio::this_coro::executor,
                           std::max(Duration::zero(), Duration(deadline - BootClock::now())));
  timer.async_wait([attempt](auto error) {
    if (error) return;
    std::lock_guard lock(attempt->mutex);
    attempt->interrupted = true;
    if (attempt->socket >= 0) ::shutdown(attempt->socket, SHUT_RDWR);
  });
  co_await asio::co_spawn(
      threads_.get_executor(),
      [&]() -> asio::awaitable<void> {
        RunBlocking(deadline, work, attempt->mutex, attempt->socket, attempt->interrupted);
        co_return;
      },
      asio::use_awaitable);
  timer.cancel();
}

void PostgresSessions::RunBlocking(BootTime deadline, const Work& work, std::mutex& mutex,
                                   int& socket, bool& interrupted) {
  if (BootClock::now() >= deadline) {
    work(Error(ErrorCode::kDESTINATION_TIMEOUT,
               "no session became free in the time of one attempt"));
    return;
  }
  auto session = Take(deadline);
  if (!session.ok()) {
    work(session.status());
    return;
  }
  {
    std::lock_guard lock(mutex);
    if (!interrupted) socket = PQsocket((*session)->raw());
  }
  work(session->get());
  bool cut = false;
  {
    std::lock_guard lock(mutex);
    socket = -1;
    cut = interrupted;
  }
  if (!cut) Return(std::move(*session));
}

absl::StatusOr<std::unique_ptr<PgConnection>> PostgresSessions::Take(BootTime deadline) {
  while (true) {
    std::unique_ptr<PgConnection> session;
    {
      std::lock_guard lock(mutex_);
      if (idle_.empty()) break;
      session = std::move(idle_.back());
      idle_.pop_back();
    }
    // A server that closed the session while it was idle said so: nothing must be sent on it.
    char byte = 0;
    const ssize_t n = ::recv(PQsocket(session->raw()), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return session;
  }
  auto connected = PgConnection::Connect(connection_string_);
  if (connected.ok()) return connected;
  const std::string state = RefusalState(connection_string_, deadline);
  return state.empty() ? connected.status() : PgError(state, Std(connected.status().message()));
}

void PostgresSessions::Return(std::unique_ptr<PgConnection> session) {
  if (session->broken() || PQtransactionStatus(session->raw()) != PQTRANS_IDLE) return;
  std::lock_guard lock(mutex_);
  idle_.push_back(std::move(session));
}

}  // namespace penstock::loader
