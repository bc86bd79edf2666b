#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "services/common/testing/child_process.h"
#include "services/common/testing/postgres_server.h"
#include "services/common/testing/redis_server.h"
#include "services/common/testing/tcp_gate.h"
#include "services/common/testing/temp_dir.h"

namespace penstock::scenario {

// A cluster of the real binaries with short times: PostgreSQL (database penstock of the state, and
// warehouse), Redis, and services by name: state, planner, extractor, loader, and further replicas
// as loader2. Redis and state are reached through gates, which scenarios may break; the warehouse
// has one for those Sources that name it. State's role in PostgreSQL is penstock_state. Not
// thread-safe.
class Cluster {
 public:
  // Options by service ("loader") as in its configuration file: {"attempt_timeout", "2s"}.
  using Settings = std::map<std::string, std::map<std::string, std::string>>;

  // Starts everything and waits until it is ready; `own_clocks` names the services whose wall clock
  // SetClock sets. Throws std::runtime_error.
  Cluster(const Settings& settings, const std::vector<std::string>& services,
          const std::set<std::string>& own_clocks);

  testing::PostgresServer& postgres() { return postgres_; }
  testing::RedisServer& redis() { return redis_; }
  testing::TcpGate& redis_gate() { return redis_gate_; }
  testing::TcpGate& state_gate() { return state_gate_; }
  testing::TcpGate& warehouse_gate() { return warehouse_gate_; }
  std::string planner_address(const std::string& name = "planner") const;

  // Starts a service, or starts it once more, and waits until it is ready. With a test point it
  // kills or stops itself there, perhaps before it is ready.
  void Start(const std::string& service, const std::string& test_point = {});
  // The same without the wait.
  void Launch(const std::string& service, const std::string& test_point = {});
  void Signal(const std::string& service, int signal);
  // Waits until the process has ended; false when it runs on.
  bool WaitForEnd(const std::string& service);
  // Waits until the process is stopped, as by SIGSTOP; false when it runs on.
  bool WaitForStop(const std::string& service);
  // Sets the wall clock that the service sees so far ahead of the machine's, at once and for ever.
  void SetClock(const std::string& service, std::chrono::seconds ahead);
  // What the spools of all extractors take on disk.
  uint64_t SpoolBytes();
  // A process that ended though no scenario ended it: its name, or "".
  std::string Fallen();

  // Writes a secret that ${secret:NAME} names.
  void SetSecret(const std::string& name, const std::string& value);
  // Why a service is not ready; "" when it is.
  std::string NotReady(const std::string& service) const;
  // The most memory that the service's process has held so far, in bytes.
  uint64_t PeakMemory(const std::string& service) const;
  // The first line of a log that holds this text, or "".
  std::string LineWith(const std::string& text) const;
  // The last lines of every service's log.
  std::string LogTails() const;

 private:
  struct Service {
    std::string program;
    uint16_t port = 0;
    uint16_t admin_port = 0;
    bool own_clock = false;
    bool should_run = false;
    std::unique_ptr<testing::ChildProcess> process;
  };

  std::vector<std::string> Environment(const std::string& name, const Service& service) const;
  std::string Addresses(const std::string& kind) const;

  testing::TempDir dir_{"scenario"};
  testing::PostgresServer postgres_;
  testing::RedisServer redis_{{.settings = {"--maxmemory", "64mb"}}};
  testing::TcpGate redis_gate_{redis_.port()};
  testing::TcpGate warehouse_gate_{postgres_.port()};
  const uint16_t state_port_;
  testing::TcpGate state_gate_{state_port_};
  Settings settings_;
  std::map<std::string, Service> services_;
};

}  // namespace penstock::scenario
