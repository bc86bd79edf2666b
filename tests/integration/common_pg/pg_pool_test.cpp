#include "services/common/pg/pg_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <set>

#include "services/common/core/status.h"
#include "services/common/pg/pg_errors.h"
#include "services/common/pg/pg_listener.h"
#include "services/common/testing/postgres_server.h"
#include "services/common/testing/tcp_gate.h"
#include "services/common/testing/wait_for.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using ::penstock::testing::PostgresServer;
using ::penstock::testing::TcpGate;
using ::penstock::testing::WaitFor;

class PgPoolTest : public ::testing::Test {
 protected:
  static BootTime In(Duration time) { return BootClock::now() + time; }
  static absl::Status Insert(PgPool& pool, int n) {
    return pool.RunAndWait(
        [n](PgTransaction& tx) { return tx.Exec("INSERT INTO t VALUES ($1::int8)", {n}).status(); },
        In(20s));
  }

  PgPoolTest() { server_.Sql("CREATE TABLE t (n int8)"); }
  PostgresServer server_;
};

TEST_F(PgPoolTest, CommitsWhatSucceedsAndRollsBackWhatFails) {
  PgPool pool({.conninfo = server_.Dsn(), .connections = 2});
  EXPECT_TRUE(Insert(pool, 1).ok());
  absl::Status status = pool.RunAndWait(
      [](PgTransaction& tx) {
        EXPECT_TRUE(tx.Exec("INSERT INTO t VALUES (2)").ok());
        return Error(ErrorCode::kLEASE_LOST, "changed my mind");
      },
      In(20s));
  EXPECT_EQ(CodeOf(status), ErrorCode::kLEASE_LOST);
  EXPECT_EQ(server_.Sql("SELECT sum(n) FROM t"), "1");
}

TEST_F(PgPoolTest, UsesItsConnectionsAtOnceAndKeepsTheCallersFree) {
  PgPool pool({.conninfo = server_.Dsn(), .connections = 3});
  std::atomic<int> inside = 0;
  std::atomic<int> done = 0;
  for (int i = 0; i < 3; ++i) {
    pool.Run(
        [&](PgTransaction& tx) {
          ++inside;
          EXPECT_TRUE(WaitFor([&] { return inside == 3; }));
          return tx.Exec("SELECT 1").status();
        },
        [&](const absl::Status& status) {
          EXPECT_TRUE(status.ok()) << status;
          ++done;
        },
        In(20s));
  }
  EXPECT_TRUE(WaitFor([&] { return done == 3; }));
}

TEST_F(PgPoolTest, RefusesWhatIsTooMuchOrTooLate) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  std::atomic<int> late = 0;
  std::atomic<int> refused = 0;
  PgPool pool({.conninfo = server_.Dsn(), .connections = 1, .max_waiting = 2});
  std::promise<void> begun;
  pool.Run(
      [&](PgTransaction&) {
        begun.set_value();
        released.wait();
        return absl::OkStatus();
      },
      [](const absl::Status&) {}, In(20s));
  begun.get_future().wait();
  auto nothing = [](PgTransaction&) { return absl::OkStatus(); };
  for (int i = 0; i < 2; ++i) {
    pool.Run(
        nothing,
        [&](const absl::Status& s) { late += CodeOf(s) == ErrorCode::kDATABASE_UNAVAILABLE; },
        BootClock::now());
  }
  pool.Run(
      nothing,
      [&](const absl::Status& s) { refused += CodeOf(s) == ErrorCode::kDATABASE_UNAVAILABLE; },
      In(20s));
  EXPECT_EQ(refused, 1);
  release.set_value();
  EXPECT_TRUE(WaitFor([&] { return late == 2; }));
}

TEST_F(PgPoolTest, GoesOnAfterARestartWithoutAnErrorForIdleConnections) {
  PgPool pool({.conninfo = server_.Dsn(), .connections = 1});
  ASSERT_TRUE(Insert(pool, 1).ok());
  server_.Stop();
  EXPECT_EQ(CodeOf(Insert(pool, 2)), ErrorCode::kDATABASE_UNAVAILABLE);
  server_.Start();
  EXPECT_TRUE(Insert(pool, 3).ok());
  server_.Restart();
  EXPECT_TRUE(Insert(pool, 4).ok());
  EXPECT_EQ(server_.Sql("SELECT sum(n) FROM t"), "8");
}

TEST_F(PgPoolTest, AReadOnlyDatabaseIsUnavailable) {
  PgPool pool({.conninfo = server_.Dsn(), .connections = 1});
  ASSERT_TRUE(Insert(pool, 1).ok());
  server_.SetReadOnly(true);
  ASSERT_TRUE(WaitFor([&] { return SqlState(Insert(pool, 2)) == "25006"; }));
  EXPECT_EQ(CodeOf(Insert(pool, 2)), ErrorCode::kDATABASE_UNAVAILABLE);
  server_.SetReadOnly(false);
  EXPECT_TRUE(WaitFor([&] { return Insert(pool, 3).ok(); }));
}

TEST_F(PgPoolTest, AServerOutOfConnectionsIsUnavailableUntilOneIsFree) {
  PostgresServer small({.settings = {"max_connections=5", "superuser_reserved_connections=0"}});
  auto hog = std::make_unique<PgPool>(PgPool::Options{.conninfo = small.Dsn(), .connections = 5});
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  std::atomic<int> held = 0, missing = 5;
  const auto hold = [&](PgTransaction&) {
    ++held;
    released.wait();
    return absl::OkStatus();
  };
  const auto done = [&](const absl::Status& status) { missing += status.ok() ? 0 : 1; };
  // Who asked whether the server was up may still be about to leave it.
  EXPECT_TRUE(WaitFor([&] {
    for (; missing > 0; --missing) hog->Run(hold, done, In(20s));
    return held == 5;
  }));
  PgPool pool({.conninfo = small.Dsn(), .connections = 1});
  auto ask = [&] {
    return pool.RunAndWait([](PgTransaction& tx) { return tx.Exec("SELECT 1").status(); }, In(20s));
  };
  EXPECT_EQ(CodeOf(ask()), ErrorCode::kDATABASE_UNAVAILABLE);
  release.set_value();
  hog.reset();
  EXPECT_TRUE(WaitFor([&] { return ask().ok(); }));
}

TEST_F(PgPoolTest, TriesAgainWhenATransactionLostARace) {
  PgPool pool({.conninfo = server_.Dsn(), .connections = 2});
  ASSERT_TRUE(Insert(pool, 0).ok());
  std::atomic<int> bodies = 0;
  std::atomic<int> done = 0;
  for (int i = 0; i < 2; ++i) {
    auto first = std::make_shared<bool>(true);
    pool.Run(
        [&, first](PgTransaction& tx) -> absl::Status {
          ++bodies;
          PENSTOCK_RETURN_IF_ERROR(
              tx.Exec("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE").status());
          auto n = tx.Exec("SELECT n FROM t");
          PENSTOCK_RETURN_IF_ERROR(n.status());
          // Both have read before either writes.
          if (std::exchange(*first, false)) {
            EXPECT_TRUE(WaitFor([&] { return bodies >= 2; }));
          }
          return tx.Exec("UPDATE t SET n = $1::int8", {n->Int(0, 0) + 1}).status();
        },
        [&](const absl::Status& status) {
          EXPECT_TRUE(status.ok()) << status;
          ++done;
        },
        In(20s));
  }
  ASSERT_TRUE(WaitFor([&] { return done == 2; }));
  EXPECT_EQ(bodies, 3);
  EXPECT_EQ(server_.Sql("SELECT n FROM t"), "2");
}

TEST_F(PgPoolTest, AConnectionCutInTheBodyIsAnErrorOfWhichNothingIsStored) {
  TcpGate gate(server_.port());
  PgPool pool({.conninfo = server_.Dsn("postgres", gate.port()), .connections = 1});
  absl::Status status = pool.RunAndWait(
      [&](PgTransaction& tx) {
        EXPECT_TRUE(tx.Exec("INSERT INTO t VALUES (5)").ok());
        gate.Cut();
        return tx.Exec("INSERT INTO t VALUES (6)").status();
      },
      In(20s));
  EXPECT_EQ(CodeOf(status), ErrorCode::kDATABASE_UNAVAILABLE);
  EXPECT_FALSE(CommitUnknown(status));
  EXPECT_TRUE(Insert(pool, 1).ok());
  EXPECT_EQ(server_.Sql("SELECT sum(n) FROM t"), "1");
}

TEST_F(PgPoolTest, ACommitWhoseAnswerIsLostIsUnknown) {
  TcpGate gate(server_.port());
  PgPool pool({.conninfo = server_.Dsn("postgres", gate.port()), .connections = 1});
  absl::Status status = pool.RunAndWait(
      [&](PgTransaction& tx) {
        absl::Status inserted = tx.Exec("INSERT INTO t VALUES (5)").status();
        gate.Cut();
        return inserted;
      },
      In(20s));
  EXPECT_EQ(CodeOf(status), ErrorCode::kDATABASE_UNAVAILABLE);
  EXPECT_TRUE(CommitUnknown(status));
}

TEST_F(PgPoolTest, AMistakeInTheSqlKeepsItsSqlState) {
  PgPool pool({.conninfo = server_.Dsn(), .connections = 1});
  absl::Status status = pool.RunAndWait(
      [](PgTransaction& tx) { return tx.Exec("SELECT * FROM nowhere").status(); }, In(20s));
  EXPECT_EQ(SqlState(status), "42P01");
  EXPECT_EQ(CodeOf(status), ErrorCode::kINTERNAL);
}

TEST_F(PgPoolTest, AListenerHearsNotificationsAndThatItMayHaveMissedSome) {
  std::mutex mutex;
  std::multiset<std::string> heard;
  PgListener listener(server_.Dsn(), "runs", [&](std::string_view payload) {
    std::lock_guard lock(mutex);
    heard.emplace(payload);
  });
  auto count = [&](const std::string& payload) {
    std::lock_guard lock(mutex);
    return heard.count(payload);
  };
  ASSERT_TRUE(WaitFor([&] { return count("") == 1; }));
  server_.Sql("SELECT pg_notify('runs', 'r1')");
  EXPECT_TRUE(WaitFor([&] { return count("r1") == 1; }));
  server_.Restart();
  ASSERT_TRUE(WaitFor([&] { return count("") == 2; }));
  server_.Sql("SELECT pg_notify('runs', 'r2')");
  EXPECT_TRUE(WaitFor([&] { return count("r2") == 1; }));
}

}  // namespace
}  // namespace penstock
