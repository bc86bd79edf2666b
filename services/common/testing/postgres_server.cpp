#include "services/common/testing/postgres_server.h"

#include <libpq-fe.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "fmt/format.h"
#include "services/common/testing/free_port.h"
#include "services/common/testing/postgres_template.h"
#include "services/common/testing/wait_for.h"

namespace penstock::testing {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSettings[] = {"fsync=off",
                                     "synchronous_commit=on",
                                     "full_page_writes=off",
                                     "max_connections=60",
                                     "shared_buffers=32MB",
                                     "max_wal_size=512MB",
                                     "timezone=UTC",
                                     "jit=off",
                                     "logging_collector=off"};

}  // namespace

fs::path PostgresBinaries() {
  fs::path newest;
  int newest_version = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    int version = std::atoi(entry.path().filename().c_str());
    if (version <= newest_version || !fs::exists(entry.path() / "bin/initdb")) continue;
    newest = entry.path() / "bin";
    newest_version = version;
  }
  if (newest.empty())
    throw std::runtime_error("PostgreSQL's server isn't installed; run scripts/install-deps");
  return newest;
}

PostgresServer::PostgresServer() : PostgresServer(Options()) {}

PostgresServer::PostgresServer(Options options) : options_(std::move(options)), port_(FreePort()) {
  if (auto user = UnprivilegedUser();
      user && chown(dir_.path().c_str(), user->first, user->second) != 0)
    throw std::runtime_error("can't hand " + dir_.path().string() + " to the server's user");
  CopyPostgresTemplate(dir_ / "data");
  Start();
}

PostgresServer::~PostgresServer() {
  if (Running()) Kill();
}

std::string PostgresServer::Dsn(std::string_view database, std::optional<uint16_t> port) const {
  return fmt::format("host=127.0.0.1 port={} user=postgres dbname={}", port.value_or(port_),
                     database);
}

void PostgresServer::Start() {
  ChildProcess::Options child;
  child.args = {PostgresBinaries() / "postgres",
                "-D",
                dir_ / "data",
                "-p",
                std::to_string(port_),
                "-h",
                "127.0.0.1",
                "-k",
                dir_.path()};
  for (const char* setting : kSettings) child.args.insert(child.args.end(), {"-c", setting});
  for (const std::string& setting : options_.settings)
    child.args.insert(child.args.end(), {"-c", setting});
  child.out = dir_ / "postgres.log";
  child.working_dir = dir_.path();
  child.as = UnprivilegedUser();
  child.death_signal = SIGQUIT;
  server_ = std::make_unique<ChildProcess>(std::move(child));
  std::string dsn = Dsn();
  bool up = WaitFor([&] { return PQping(dsn.c_str()) == PQPING_OK || !server_->Running(); },
                    std::chrono::seconds(60));
  if (!up || !server_->Running())
    throw std::runtime_error("PostgreSQL didn't start: " + ReadFile(dir_ / "postgres.log"));
}

void PostgresServer::Stop() {
  server_->Signal(SIGINT);
  server_->Wait();
}

void PostgresServer::Restart() {
  Stop();
  Start();
}

void PostgresServer::Kill() {
  // SIGKILL would leave its children behind for a while; SIGQUIT ends them too, without a
  // checkpoint.
  server_->Signal(SIGQUIT);
  server_->Wait();
}

bool PostgresServer::Running() {
  return server_ != nullptr && server_->Running();
}

void PostgresServer::CreateDatabase(std::string_view name) {
  Sql(fmt::format("CREATE DATABASE \"{}\"", name));
}

std::string PostgresServer::Sql(std::string_view sql, std::string_view database) {
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(Dsn(database).c_str()),
                                                          &PQfinish);
  std::unique_ptr<PGresult, decltype(&PQclear)> result(
      PQexec(connection.get(), std::string(sql).c_str()), &PQclear);
  ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
    throw std::runtime_error(fmt::format("{}: {}", sql, PQerrorMessage(connection.get())));
  return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
}

namespace {

void RunTool(std::vector<std::string> args) {
  const std::string program = args.front();
  ChildProcess child({.args = std::move(args)});
  if (child.Wait() != 0) throw std::runtime_error(program + " failed");
}

}  // namespace

void PostgresServer::SaveDump(std::string_view database, std::string_view name) {
  RunTool({PostgresBinaries() / "pg_dump", "--format=custom",
           fmt::format("--file={}", (dump_dir_ / std::string(name)).string()), Dsn(database)});
}

void PostgresServer::RestoreDump(std::string_view database, std::string_view name) {
  const std::string owner = Sql(fmt::format(
      "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = '{}'", database));
  Sql(fmt::format("DROP DATABASE \"{}\" WITH (FORCE)", database));
  Sql(fmt::format("CREATE DATABASE \"{}\" OWNER \"{}\"", database, owner));
  RunTool({PostgresBinaries() / "pg_restore", fmt::format("--dbname={}", Dsn(database)),
           (dump_dir_ / std::string(name)).string()});
}

void PostgresServer::SetReadOnly(bool read_only) {
  // This session must be able to write the setting that forbids writing.
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection(
      PQconnectdb((Dsn() + " options='-c default_transaction_read_only=off'").c_str()), &PQfinish);
  for (const std::string& sql : {fmt::format("ALTER SYSTEM SET default_transaction_read_only = {}",
                                             read_only ? "on" : "off"),
                                 std::string("SELECT pg_reload_conf()")}) {
    std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.get(), sql.c_str()),
                                                         &PQclear);
  }
  std::string wanted = read_only ? "on" : "off";
  if (!WaitFor([&] { return Sql("SHOW default_transaction_read_only") == wanted; }))
    throw std::runtime_error("PostgreSQL doesn't take default_transaction_read_only");
}

}  // namespace penstock::testing
