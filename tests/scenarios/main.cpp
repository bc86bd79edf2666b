#include <cstdio>
#include <optional>
#include <set>

#include "fmt/format.h"
#include "services/common/core/clock.h"
#include "tests/scenarios/expectations.h"
#include "tests/scenarios/steps.h"

namespace penstock::scenario {
namespace {

Cluster::Settings ReadSettings(const YAML::Node& node) {
  Cluster::Settings out;
  for (const auto& service : node) {
    for (const auto& option : service.second)
      out[service.first.as<std::string>()][option.first.as<std::string>()] =
          option.second.as<std::string>();
  }
  return out;
}

std::vector<std::string> ReadServices(const YAML::Node& node) {
  if (node.IsDefined()) return node.as<std::vector<std::string>>();
  return {"state", "extractor", "loader", "planner"};
}

std::set<std::string> ReadNames(const YAML::Node& node) {
  const auto names =
      node.IsDefined() ? node.as<std::vector<std::string>>() : std::vector<std::string>();
  return {names.begin(), names.end()};
}

// {oauth2: SECONDS} or hmac.
void SetAuth(KeyedStore& store, const YAML::Node& auth) {
  if (!auth.IsDefined()) return;
  OnlyFields(auth, {"oauth2"});
  if (auth.IsMap()) {
    store.SetAuth(KeyedStore::Auth::kOAuth2, std::chrono::seconds(auth["oauth2"].as<int>()));
  } else if (auth.as<std::string>() == "hmac") {
    store.SetAuth(KeyedStore::Auth::kHmac);
  } else {
    throw Failure("store_auth is {oauth2: SECONDS} or hmac");
  }
}

// Does a step and prints how long it took.
void DoTimed(World& world, const YAML::Node& step) {
  const BootTime began = BootClock::now();
  DoStep(world, step);
  const std::chrono::duration<double> took = BootClock::now() - began;
  fmt::print("{:7.3f} s  line {}: {}\n", took.count(), step.Mark().line + 1,
             step.begin()->first.as<std::string>());
}

std::string TellRuns(Api& api) {
  std::string out;
  try {
    for (const v1::Run& run : api.Runs()) out += fmt::format("{}: {}\n", run.sync(), Tell(run));
  } catch (const std::exception& error) {
    out = fmt::format("the runs can't be told: {}\n", error.what());
  }
  return out;
}

// Prints what went wrong, where, and what the services logged; false then.
bool Play(const char* file) {
  YAML::Node scenario = YAML::LoadFile(file);
  OnlyFields(scenario, {"scenario", "services", "settings", "warehouse", "source", "destination",
                        "model", "sync", "more", "honour_idempotency", "own_clocks", "store_tls",
                        "store_auth", "steps"});
  CheckSteps(scenario["steps"]);
  Cluster cluster(ReadSettings(scenario["settings"]), ReadServices(scenario["services"]),
                  ReadNames(scenario["own_clocks"]));
  const bool tls = scenario["store_tls"] && scenario["store_tls"].as<bool>();
  std::optional<test::TestCertificates> certificates;
  test::TestServerOptions store_options;
  if (tls) {
    const auto pair = certificates.emplace().Issue("127.0.0.1");
    store_options.certificate_file = pair.certificate;
    store_options.key_file = pair.key;
  }
  KeyedStore store(store_options);
  testing::TcpGate store_gate(store.port());
  if (scenario["honour_idempotency"] && scenario["honour_idempotency"].as<bool>())
    store.HonourIdempotencyKeys();
  SetAuth(store, scenario["store_auth"]);
  Api api(cluster.planner_address());
  World world{scenario, cluster, store, store_gate, api, tls ? certificates->ca() : "", {}, {}};
  try {
    const YAML::Node warehouse = scenario["warehouse"];
    for (size_t i = 0; i < (warehouse.IsSequence() ? warehouse.size() : 1); ++i) {
      YAML::Node sql;
      sql["sql"] = warehouse.IsSequence() ? warehouse[i] : warehouse;
      DoStep(world, sql);
    }
    bool applied = false;
    for (const YAML::Node& step : scenario["steps"]) {
      // Unless the scenario begins with an apply or a token of its own.
      const std::string verb = step.begin()->first.as<std::string>();
      if (!applied && verb != "token") {
        applied = true;
        if (verb != "apply") DoStep(world, YAML::Load("{apply: {}}"));
      }
      DoTimed(world, step);
    }
    CheckAtEnd(world);
    // Scenarios call their people such; no log may.
    if (const std::string line = cluster.LineWith("@x.io"); !line.empty())
      throw Failure("the log holds a record's key: " + line);
    return true;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n{}: {}\n{}", cluster.LogTails(), file, error.what(), TellRuns(api));
    return false;
  }
}

}  // namespace
}  // namespace penstock::scenario

// Plays one scenario, a file of this folder.
int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: penstock-scenario FILE\n");
    return 2;
  }
  try {
    return penstock::scenario::Play(argv[1]) ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", argv[1], error.what());
    return 1;
  }
}
