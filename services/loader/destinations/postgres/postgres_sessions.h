#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "services/common/core/clock.h"
#include "services/common/model/resources.h"
#include "services/common/pg/pg_connection.h"

namespace penstock::loader {

// The libpq connection string of a Destination's config: host, port, database, user, password, tls
// (a libpq sslmode), tls_ca (a file). INVALID_CONFIGURATION naming an unknown or missing entry.
absl::StatusOr<std::string> PostgresConnectionString(const Config& config);

// Sessions of one PostgreSQL destination, each used by one thread at a time. libpq blocks, so the
// work runs on as many threads as there may be sessions. Thread-safe.
class PostgresSessions {
 public:
  PostgresSessions(std::string connection_string, size_t max_sessions);
  // Waits for work under way.
  ~PostgresSessions();

  // Work gets a session, or why there is none.
  using Work = std::function<void(absl::StatusOr<PgConnection*> session)>;
  // Runs `work` on a thread of the pool; returns when it has returned. At `deadline` the session is
  // cut, so that work returns even from a server that has stopped answering. The awaiting executor
  // must live until then.
  boost::asio::awaitable<void> Run(BootTime deadline, Work work);

 private:
  void RunBlocking(BootTime deadline, const Work& work, std::mutex& mutex, int& socket,
                   bool& interrupted);
  absl::StatusOr<std::unique_ptr<PgConnection>> Take(BootTime deadline);
  void Return(std::unique_ptr<PgConnection> session);

  std::string connection_string_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<PgConnection>> idle_;
  boost::asio::thread_pool threads_;
};

}  // namespace penstock::loader
