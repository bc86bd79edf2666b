#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "services/common/testing/child_process.h"
#include "services/common/testing/free_port.h"
#include "services/common/testing/postgres_server.h"
#include "services/common/testing/redis_server.h"
#include "services/common/testing/temp_dir.h"
#include "services/common/testing/wait_for.h"

namespace penstock::testing {
namespace {

TEST(PostgresServer, KeepsCommittedRowsOverStopAndKill) {
  PostgresServer server;
  server.CreateDatabase("warehouse");
  server.Sql("CREATE TABLE t (n int)", "warehouse");
  server.Sql("INSERT INTO t VALUES (1)", "warehouse");
  server.Kill();
  EXPECT_FALSE(server.Running());
  server.Start();
  server.Sql("INSERT INTO t VALUES (2)", "warehouse");
  server.Restart();
  EXPECT_EQ(server.Sql("SELECT sum(n) FROM t", "warehouse"), "3");
}

TEST(PostgresServer, RefusesWritesWhileReadOnly) {
  PostgresServer server;
  server.SetReadOnly(true);
  EXPECT_THROW(server.Sql("CREATE TABLE t (n int)"), std::runtime_error);
  server.SetReadOnly(false);
  EXPECT_NO_THROW(server.Sql("CREATE TABLE t (n int)"));
}

TEST(PostgresServer, TwoLiveSideBySide) {
  PostgresServer one;
  PostgresServer two({.settings = {"max_connections=7"}});
  one.Sql("CREATE TABLE only_here (n int)");
  EXPECT_THROW(two.Sql("SELECT * FROM only_here"), std::runtime_error);
  EXPECT_EQ(two.Sql("SHOW max_connections"), "7");
}

TEST(RedisServer, BringsAnOldDumpBack) {
  RedisServer server;
  server.Command({"SET", "k", "old"});
  server.SaveDump("monday");
  server.Command({"SET", "k", "new"});
  server.RestoreDump("monday");
  EXPECT_EQ(server.Command({"GET", "k"}).text, "old");
  server.Stop();
  server.Start();
  EXPECT_TRUE(server.Command({"GET", "k"}).IsNil());
}

TEST(ChildProcess, ReportsExitCodesSignalsAndOutput) {
  TempDir dir;
  EXPECT_EQ(RunProgram({.args = {"sh", "-c", "echo $GREETING; exit 7"},
                        .env = {"GREETING=hello"},
                        .out = dir / "out"}),
            7);
  EXPECT_EQ(ReadFile(dir / "out"), "hello\n");
  ChildProcess sleeper({.args = {"sleep", "600"}});
  EXPECT_TRUE(sleeper.Running());
  sleeper.Signal(SIGTERM);
  EXPECT_EQ(sleeper.Wait(), 128 + SIGTERM);
  EXPECT_THROW(ChildProcess({.args = {"/no/such/program"}}), std::system_error);
}

TEST(ChildProcess, EndsWithTheThreadThatStartedIt) {
  pid_t pid = 0;
  std::unique_ptr<ChildProcess> child;
  std::thread([&] {
    child = std::make_unique<ChildProcess>(ChildProcess::Options{.args = {"sleep", "600"}});
    pid = child->pid();
  }).join();
  EXPECT_EQ(child->Wait(), 128 + SIGKILL) << pid;
}

TEST(FreePort, IsNeverHandedOutTwice) {
  std::set<uint16_t> ports;
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(ports.insert(FreePort()).second);
}

TEST(TempDir, LeavesNothingBehind) {
  std::filesystem::path path;
  {
    TempDir dir;
    path = dir.path();
    WriteFile(dir / "file", "content");
    EXPECT_EQ(ReadFile(path / "file"), "content");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace penstock::testing
