#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/testing/child_process.h"
#include "services/common/testing/temp_dir.h"

namespace penstock::testing {

// A private PostgreSQL cluster in a temporary directory, with a loopback port and a Unix socket.
// The cluster is copied from a template that initdb makes once per machine and version. It trades
// durability against a crash of the machine for speed (fsync off); a crash of the server itself
// loses nothing. Throws std::runtime_error when the server can't be started. Not thread-safe.
class PostgresServer {
 public:
  struct Options {
    std::vector<std::string> settings{};  // "max_connections=20", beside or over the defaults
  };
  PostgresServer();
  explicit PostgresServer(Options options);
  ~PostgresServer();

  // A libpq connection string for the superuser over TCP. `port` puts a gate in between.
  std::string Dsn(std::string_view database = "postgres",
                  std::optional<uint16_t> port = std::nullopt) const;
  uint16_t port() const { return port_; }

  void CreateDatabase(std::string_view name);
  // Runs SQL as superuser; returns the first column of the first row as text ("" without rows).
  std::string Sql(std::string_view sql, std::string_view database = "postgres");
  // By pg_dump, kept under a name; and the database dropped, whoever uses it, and made anew by
  // pg_restore.
  void SaveDump(std::string_view database, std::string_view name);
  void RestoreDump(std::string_view database, std::string_view name);
  // Every new and existing session refuses writes (SQLSTATE 25006), or takes them again.
  void SetReadOnly(bool read_only);

  // Returns when it takes connections.
  void Start();
  // Ends sessions, writes a checkpoint.
  void Stop();
  void Restart();
  // As a crash: sessions are cut, the next Start() recovers from the log.
  void Kill();
  bool Running();

 private:
  Options options_;
  TempDir dir_{"pg"};
  TempDir dump_dir_{"pg-dump"};
  uint16_t port_;
  std::unique_ptr<ChildProcess> server_;
};

// The folder with initdb and postgres of the newest installed version.
std::filesystem::path PostgresBinaries();

}  // namespace penstock::testing
