// Redis and PostgreSQL behind TLS, with passwords that are files.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <filesystem>

#include "fmt/format.h"
#include "services/common/core/status.h"
#include "services/common/pg/pg_listener.h"
#include "services/common/pg/pg_pool.h"
#include "services/common/redis/redis_client.h"
#include "services/common/testing/child_process.h"
#include "services/common/testing/free_port.h"
#include "services/common/testing/postgres_server.h"
#include "services/common/testing/redis_server.h"
#include "services/common/testing/temp_dir.h"
#include "services/common/testing/wait_for.h"
#include "tests/integration/security/programs.h"
#include "tests/support/http/test_server.h"

namespace penstock::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class RedisAccessTest : public ::testing::Test {
 protected:
  RedisAccessTest() {
    server_.Command({"ACL", "SETUSER", "worker", "on", ">one", "~*", "+@all"});
    WriteFile(dir_ / "password", "one\n");
  }
  RedisOptions Options() {
    RedisOptions options =
        *ParseRedisUrl(fmt::format("rediss://worker@127.0.0.1:{}", port_), dir_ / "password");
    options.ca_file = certificates_.ca();
    options.command_timeout = 2s;
    return options;
  }
  absl::StatusOr<RedisReply> Ask(RedisClient& client) {
    return asio::co_spawn(pool_, client.Command("ACL", "WHOAMI"), asio::use_future).get();
  }

  TempDir dir_{"redis-access"};
  test::TestCertificates certificates_;
  test::TestCertificates::Pair pair_ = certificates_.Issue("127.0.0.1");
  uint16_t port_ = FreePort();
  RedisServer server_{
      {.settings = {"--tls-port", std::to_string(port_), "--tls-cert-file", pair_.certificate,
                    "--tls-key-file", pair_.key, "--tls-ca-cert-file", certificates_.ca(),
                    "--tls-auth-clients", "no"}}};
  asio::thread_pool pool_{1};
};

TEST_F(RedisAccessTest, AnAclUserLogsInOverTlsByThePasswordOfAFile) {
  RedisClient client(pool_.get_executor(), Options());
  const auto user = Ask(client);
  ASSERT_TRUE(user.ok()) << user.status();
  EXPECT_EQ(user->text, "worker");
}

TEST_F(RedisAccessTest, ARotatedPasswordIsReadAtTheNextConnection) {
  RedisClient client(pool_.get_executor(), Options());
  ASSERT_TRUE(Ask(client).ok());
  server_.Command({"ACL", "SETUSER", "worker", ">two", "<one"});
  server_.Command({"CLIENT", "KILL", "USER", "worker"});
  EXPECT_TRUE(WaitFor([&] {
    return Std(Ask(client).status().message()).find("WRONGPASS") != std::string_view::npos;
  }));
  WriteFile(dir_ / "password", "two\n");
  EXPECT_TRUE(WaitFor([&] { return Ask(client).ok(); }));
}

TEST_F(RedisAccessTest, AFileThatVanishesIsNamedAndComesBack) {
  RedisClient client(pool_.get_executor(), Options());
  std::filesystem::remove(dir_ / "password");
  EXPECT_THAT(std::string(Ask(client).status().message()),
              HasSubstr((dir_ / "password").string() + ": can't be read"));
  WriteFile(dir_ / "password", "one");
  EXPECT_TRUE(WaitFor([&] { return Ask(client).ok(); }));
}

class PostgresAccessTest : public ::testing::Test {
 protected:
  PostgresAccessTest() {
    WriteFile(dir_ / "hba",
              "host all postgres 127.0.0.1/32 trust\n"
              "hostssl all penstock 127.0.0.1/32 scram-sha-256\n");
    const auto pair = certificates_.Issue("127.0.0.1");
    WriteFile(dir_ / "cert.pem", ReadFile(pair.certificate));
    WriteFile(dir_ / "key.pem", ReadFile(pair.key));
    chmod((dir_ / "key.pem").c_str(), 0600);
    if (const auto user = UnprivilegedUser()) {
      EXPECT_EQ(chown((dir_ / "key.pem").c_str(), user->first, user->second), 0);
    }
    server_.emplace(PostgresServer::Options{
        {"ssl=on", "ssl_cert_file=" + (dir_ / "cert.pem").string(),
         "ssl_key_file=" + (dir_ / "key.pem").string(), "hba_file=" + (dir_ / "hba").string()}});
    server_->Sql("CREATE ROLE penstock LOGIN PASSWORD 'one'");
    WriteFile(dir_ / "password", "one\n");
  }
  std::string Conninfo(const std::string& host, const std::string& ca,
                       const std::string& sslmode = "verify-full") const {
    return fmt::format("host={} port={} user=penstock dbname=postgres sslmode={} sslrootcert={}",
                       host, server_->port(), sslmode, ca);
  }
  absl::Status Connect(const std::string& conninfo) const {
    return PgConnection::Connect(conninfo, dir_ / "password").status();
  }
  static absl::Status Work(PgPool& pool) {
    return pool.RunAndWait([](PgTransaction& tx) { return tx.Exec("SELECT 1").status(); },
                           BootClock::now() + 20s);
  }

  TempDir dir_{"postgres-access"};
  test::TestCertificates certificates_;
  std::optional<PostgresServer> server_;
};

TEST_F(PostgresAccessTest, TheServersNameAndAuthorityAreVerified) {
  const auto connection =
      PgConnection::Connect(Conninfo("127.0.0.1", certificates_.ca()), dir_ / "password");
  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_EQ(server_->Sql("SELECT version FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
                         "WHERE usename = 'penstock'"),
            "TLSv1.3");
  EXPECT_THAT(std::string(Connect(Conninfo("localhost", certificates_.ca())).message()),
              HasSubstr("does not match host name \"localhost\""));
  const test::TestCertificates others;
  EXPECT_THAT(std::string(Connect(Conninfo("127.0.0.1", others.ca())).message()),
              HasSubstr("certificate verify failed"));
  EXPECT_THAT(std::string(Connect(Conninfo("127.0.0.1", certificates_.ca(), "disable")).message()),
              HasSubstr("no encryption"));
}

TEST_F(PostgresAccessTest, ARotatedPasswordIsReadAtTheNextConnection) {
  const std::string conninfo = Conninfo("127.0.0.1", certificates_.ca());
  PgPool pool({.conninfo = conninfo, .password_file = dir_ / "password", .connections = 2});
  std::atomic<int> connected = 0;
  const PgListener listener(
      conninfo, "runs", [&](std::string_view) { ++connected; }, dir_ / "password");
  ASSERT_TRUE(Work(pool).ok());
  ASSERT_TRUE(WaitFor([&] { return connected == 1; }));
  server_->Sql("ALTER ROLE penstock PASSWORD 'two'");
  server_->Sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'penstock'");
  EXPECT_THAT(std::string(Connect(conninfo).message()),
              HasSubstr("password authentication failed for user \"penstock\""));
  WriteFile(dir_ / "password", "two\n");
  EXPECT_TRUE(WaitFor([&] { return Work(pool).ok() && connected == 2; }));
}

TEST(PasswordFiles, AreLookedAtWhenAServiceStarts) {
  const TempDir dir("password-files");
  WriteFile(dir / "empty", "");
  WriteFile(dir / "password", "secret");
  const auto refusal = [](const std::string& service, std::map<std::string, std::string> options) {
    const ProgramEnd end = RunService(service, std::move(options));
    EXPECT_EQ(end.code, 2) << end.err;
    // The log is JSON; the reason is the one line that isn't.
    const size_t at = end.err.find("penstock-");
    return at == end.err.npos ? end.err : end.err.substr(at);
  };
  for (const std::string service : {"planner", "extractor", "loader"}) {
    EXPECT_EQ(refusal(service, {{"redis-password-file", "/no/such/file"}}),
              "penstock-" + service + ": /no/such/file: can't be read\n");
    EXPECT_EQ(refusal(service, {{"redis-password-file", dir / "empty"}}),
              "penstock-" + service + ": " + (dir / "empty").string() +
                  ": holds no password, which is one line\n");
  }
  EXPECT_EQ(refusal("state", {{"database-password-file", "/no/such/file"}}),
            "penstock-state: --database: /no/such/file: can't be read\n");
  EXPECT_EQ(refusal("state", {{"database", "postgresql://u:hunter2@h/d"},
                              {"database-password-file", dir / "password"}}),
            "penstock-state: --database: it has a password beside the file " +
                (dir / "password").string() + "\n");
  EXPECT_EQ(refusal("state", {{"database", "hunter2"}}),
            "penstock-state: --database: it is no connection string; write "
            "postgresql://[user@]host[:port]/database or host=… user=… dbname=…\n");
}

}  // namespace
}  // namespace penstock::testing
