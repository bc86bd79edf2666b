#include "tests/scenarios/steps.h"

#include <signal.h>

#include <algorithm>
#include <future>

#include "fmt/format.h"
#include "services/common/core/units.h"
#include "tests/scenarios/answers.h"
#include "tests/scenarios/command_line.h"
#include "tests/scenarios/declare.h"
#include "tests/scenarios/expectations.h"

namespace penstock::scenario {
namespace {

using std::chrono::milliseconds;

void Sql(World& world, const YAML::Node& sql) {
  if (sql.IsScalar()) {
    world.cluster.postgres().Sql(sql.as<std::string>(), "warehouse");
    return;
  }
  OnlyFields(sql, {"database", "do"});
  world.cluster.postgres().Sql(sql["do"].as<std::string>(), sql["database"].as<std::string>());
}

// Makes a call while the steps of `meanwhile` are done, for they may be what lets it end. The call
// has the other thread: processes must be started from the main one.
template <typename Call>
auto MakeWhile(World& world, const YAML::Node& meanwhile, Call call) {
  auto result = std::async(std::launch::async, std::move(call));
  if (meanwhile.IsDefined()) {
    for (const YAML::Node& step : meanwhile) DoStep(world, step);
  }
  return result.get();
}

void Apply(World& world, const YAML::Node& change) {
  OnlyFields(change, {"sync", "model", "source", "destination", "more", "paused", "prune", "reset",
                      "refused", "meanwhile"});
  for (const char* kind : {"sync", "model", "source", "destination", "more"}) {
    if (change[kind]) world.scenario[kind] = Overlay(world.scenario[kind], change[kind]);
  }
  v1::ApplyResourcesRequest request;
  for (v1::Resource& resource :
       Declare(world.scenario, {.warehouse_port = world.cluster.postgres().port(),
                                .warehouse_gate_port = world.cluster.warehouse_gate().port(),
                                .store_url = world.store.url(),
                                .store_gate_port = world.store_gate.port(),
                                .store_ca = world.store_ca})) {
    *request.add_resources() = std::move(resource);
  }
  request.set_paused(change["paused"] && change["paused"].as<bool>());
  if (const YAML::Node labels = change["prune"]) {
    for (const auto& label : labels)
      (*request.mutable_prune())[label.first.as<std::string>()] = label.second.as<std::string>();
  }
  if (const YAML::Node reset = change["reset"]) {
    v1::Reset kind = v1::RESET_UNSPECIFIED;
    if (!v1::Reset_Parse("RESET_" + reset.as<std::string>(), &kind))
      throw Failure(fmt::format("there is no reset {}", reset.as<std::string>()));
    request.set_reset(kind);
  }
  const grpc::Status status =
      MakeWhile(world, change["meanwhile"], [&] { return world.api.Apply(request); });
  if (const YAML::Node refused = change["refused"]) {
    if (status.ok()) throw Failure("apply took what it should refuse");
    const auto texts = refused.IsScalar() ? std::vector{refused.as<std::string>()}
                                          : refused.as<std::vector<std::string>>();
    for (const std::string& text : texts) {
      if ((status.error_message() + status.error_details()).find(text) == std::string::npos)
        throw Failure(fmt::format("apply doesn't say \"{}\" but: {} {}", text,
                                  status.error_message(), status.error_details()));
    }
    return;
  }
  // The message is a summary; the details carry each error's field and text.
  if (!status.ok())
    throw Failure(fmt::format("apply: {} {}", status.error_message(), status.error_details()));
}

void Trigger(World& world, const YAML::Node& node) {
  const bool whole = node.IsMap();
  if (whole)
    OnlyFields(node, {"name", "sync", "allow_removals", "full_resync", "retry_rejected", "limit",
                      "key", "to", "plan", "meanwhile"});
  const YAML::Node none;
  const YAML::Node name = whole ? node["name"] : node;
  const auto says = [&](const char* flag) { return whole && node[flag] && node[flag].as<bool>(); };
  v1::TriggerRunRequest request;
  request.set_sync(whole && node["sync"] ? node["sync"].as<std::string>() : "people");
  request.set_allow_removals(says("allow_removals"));
  request.set_full_resync(says("full_resync"));
  request.set_retry_rejected(says("retry_rejected"));
  if (whole && node["limit"]) request.set_limit(node["limit"].as<int64_t>());
  if (whole && node["to"]) request.set_to(node["to"].as<std::string>());
  if (whole && node["key"]) {
    for (const auto& column : node["key"])
      (*request.mutable_key())[column.first.as<std::string>()] = column.second.as<std::string>();
  }
  request.set_type(says("plan") ? v1::RUN_TYPE_PLAN : v1::RUN_TYPE_SYNC);
  world.last_run = name.IsDefined() && name.IsScalar() ? name.as<std::string>()
                                                       : fmt::format("#{}", world.runs.size() + 1);
  const v1::Run run = MakeWhile(world, whole ? node["meanwhile"] : none,
                                [&] { return world.api.Trigger(request); });
  world.runs[world.last_run] = run.id();
}

void WaitForAllRuns(World& world, const std::string& sync, milliseconds within) {
  std::string busy;
  Await(
      [&] {
        busy.clear();
        for (const v1::Run& run : world.api.Runs()) {
          CheckAccounts(run);
          if (run.sync() == sync && !IsTerminal(run.state())) busy = Tell(run);
        }
        return busy.empty();
      },
      [&] { return busy; }, within);
}

void WaitForRun(World& world, const YAML::Node& node) {
  OnlyFields(node, {"run", "state", "phase", "within", "sync"});
  const milliseconds within(node["within"] ? node["within"].as<int>() : 15000);
  if (node["sync"]) return WaitForAllRuns(world, node["sync"].as<std::string>(), within);
  const std::string id = world.RunId(node["run"]);
  const std::string state = node["state"] ? node["state"].as<std::string>() : "ended";
  Await(
      [&] {
        const v1::Run run = world.api.Get(id);
        CheckAccounts(run);
        if (node["phase"])
          return v1::RunPhase_Name(run.phase()) == "RUN_PHASE_" + node["phase"].as<std::string>();
        return state == "ended" ? IsTerminal(run.state()) : StateName(run.state()) == state;
      },
      [&] { return fmt::format("{}; {}", state, Tell(world.api.Get(id))); }, within);
}

void Run(World& world, const YAML::Node& node) {
  YAML::Node trigger(YAML::NodeType::Map);
  for (const char* field :
       {"name", "sync", "allow_removals", "full_resync", "retry_rejected", "limit", "key", "to"}) {
    if (node.IsMap() && node[field]) trigger[field] = node[field];
  }
  Trigger(world, trigger);
  YAML::Node wait(YAML::NodeType::Map);
  if (node.IsMap() && node["within"]) wait["within"] = node["within"];
  WaitForRun(world, wait);
  CheckRun(world, world.api.Get(world.runs[world.last_run]), node);
}

void Cancel(World& world, const YAML::Node& name) {
  world.api.Cancel(world.RunId(name));
}

void Resume(World& world, const YAML::Node& name) {
  world.api.Resume(world.RunId(name));
}

void Destination(World& world, const YAML::Node& rules) {
  world.store.SetRules(ReadRules(rules));
}

void Token(World& world, const YAML::Node& node) {
  OnlyFields(node, {"secret", "store"});
  if (node["secret"]) world.cluster.SetSecret("token", node["secret"].as<std::string>());
  if (node["store"]) world.store.SetToken(node["store"].as<std::string>());
}

void Arrived(World& world, const YAML::Node& node) {
  if (node.IsMap()) OnlyFields(node, {"key", "operation", "n"});
  const std::string key = node.IsMap() && node["key"] ? node["key"].as<std::string>() : "";
  const std::string operation =
      node.IsMap() && node["operation"] ? node["operation"].as<std::string>() : "";
  const int wanted = node.IsScalar() ? node.as<int>() : node["n"] ? node["n"].as<int>() : 1;
  const auto count = [&] {
    const std::vector<StoreWrite> log = world.store.log();
    return std::count_if(log.begin(), log.end(), [&](const StoreWrite& write) {
      return (key.empty() || write.key == key) &&
             (operation.empty() || write.operation == operation);
    });
  };
  Await([&] { return count() >= wanted; },
        [&] { return fmt::format("{} records arrived, not {}", count(), wanted); });
}

void Size(World& world, const YAML::Node& node) {
  Await([&] { return world.store.content().size() >= node.as<size_t>(); },
        [&] { return fmt::format("the store has {} records", world.store.content().size()); });
}

void Kill(World& world, const YAML::Node& service) {
  world.cluster.Signal(service.as<std::string>(), SIGKILL);
}

void Drain(World& world, const YAML::Node& service) {
  world.cluster.Signal(service.as<std::string>(), SIGTERM);
}

void Stop(World& world, const YAML::Node& service) {
  world.cluster.Signal(service.as<std::string>(), SIGSTOP);
}

void Continue(World& world, const YAML::Node& service) {
  world.cluster.Signal(service.as<std::string>(), SIGCONT);
}

void Start(World& world, const YAML::Node& node) {
  if (node.IsScalar()) return world.cluster.Start(node.as<std::string>());
  OnlyFields(node, {"service", "at"});
  world.cluster.Start(node["service"].as<std::string>(), node["at"].as<std::string>());
}

void Launch(World& world, const YAML::Node& service) {
  world.cluster.Launch(service.as<std::string>());
}

void Ended(World& world, const YAML::Node& service) {
  if (!world.cluster.WaitForEnd(service.as<std::string>()))
    throw Failure(service.as<std::string>() + " didn't reach its test point");
}

void Stopped(World& world, const YAML::Node& service) {
  if (!world.cluster.WaitForStop(service.as<std::string>()))
    throw Failure(service.as<std::string>() + " didn't reach its test point");
}

void Clock(World& world, const YAML::Node& node) {
  for (const auto& entry : node)
    world.cluster.SetClock(entry.first.as<std::string>(),
                           std::chrono::seconds(entry.second.as<int64_t>()));
}

void Holds(World& world, const YAML::Node& node) {
  for (const auto& entry : node) {
    const std::string key = entry.first.as<std::string>();
    const auto wanted = entry.second.as<std::map<std::string, std::string>>();
    Await(
        [&] {
          const KeyedStore::Content content = world.store.content();
          auto found = content.find(key);
          return found != content.end() && found->second == wanted;
        },
        [&] { return fmt::format("the store does not hold {} so", key); });
  }
}

// Until so many bytes wait for a destination.
void AwaitBacklog(testing::RedisServer& redis, const YAML::Node& node) {
  OnlyFields(node, {"destination", "bytes"});
  const std::string field = "d:" + node["destination"].as<std::string>();
  const auto wanted = ParseByteSize(node["bytes"].as<std::string>());
  if (!wanted.ok()) throw Failure(std::string(wanted.status().message()));
  uint64_t waiting = 0;
  Await(
      [&] {
        const std::string text = redis.Command({"HGET", "penstock:credit", field}).text;
        waiting = text.empty() ? 0 : std::stoull(text);
        return waiting >= *wanted;
      },
      [&] { return fmt::format("{} wait for the destination", FormatByteSize(waiting)); });
}

void Redis(World& world, const YAML::Node& node) {
  testing::RedisServer& redis = world.cluster.redis();
  if (node.IsMap()) {
    OnlyFields(node, {"dump", "restore", "await", "gone", "backlog", "config"});
    if (const YAML::Node backlog = node["backlog"]) AwaitBacklog(redis, backlog);
    if (const YAML::Node pattern = node["await"]) {
      const std::string keys = pattern.as<std::string>();
      Await([&] { return !redis.Command({"KEYS", keys}).array.empty(); },
            [&] { return "Redis has no key like " + keys; });
    }
    if (const YAML::Node pattern = node["gone"]) {
      const std::string keys = pattern.as<std::string>();
      Await([&] { return redis.Command({"KEYS", keys}).array.empty(); },
            [&] { return "Redis still has a key like " + keys; });
    }
    for (const auto& setting : node["config"]) {
      const RedisReply reply = redis.Command(
          {"CONFIG", "SET", setting.first.as<std::string>(), setting.second.as<std::string>()});
      if (reply.IsError()) throw Failure(reply.text);
    }
    if (node["dump"]) redis.SaveDump(node["dump"].as<std::string>());
    if (node["restore"]) redis.RestoreDump(node["restore"].as<std::string>());
  } else if (node.as<std::string>() == "flush") {
    redis.Flush();
  } else if (node.as<std::string>() == "restart") {
    redis.Kill();
    redis.Start();
  } else {
    throw Failure(fmt::format("redis can't {}", node.as<std::string>()));
  }
}

void Postgres(World& world, const YAML::Node& node) {
  testing::PostgresServer& postgres = world.cluster.postgres();
  if (node.IsMap()) {
    OnlyFields(node, {"dump", "restore"});
    if (node["dump"]) postgres.SaveDump("penstock", node["dump"].as<std::string>());
    if (node["restore"]) postgres.RestoreDump("penstock", node["restore"].as<std::string>());
    return;
  }
  const std::string what = node.as<std::string>();
  if (what == "restart") return postgres.Restart();
  if (what == "read_only") return postgres.SetReadOnly(true);
  if (what == "writable") return postgres.SetReadOnly(false);
  if (what != "crash") throw Failure(fmt::format("postgres can't {}", what));
  postgres.Kill();
  postgres.Start();
}

void Gate(World& world, const YAML::Node& node) {
  OnlyFields(node, {"redis", "state", "store", "warehouse"});
  for (const auto& entry : node) {
    const std::string name = entry.first.as<std::string>();
    testing::TcpGate& gate = name == "redis"   ? world.cluster.redis_gate()
                             : name == "state" ? world.cluster.state_gate()
                             : name == "store" ? world.store_gate
                                               : world.cluster.warehouse_gate();
    const std::string what = entry.second.as<std::string>();
    if (what == "cut") {
      gate.Cut();
    } else if (what == "close") {
      gate.Close();
    } else if (what == "stall") {
      gate.Stall();
    } else if (what == "open") {
      gate.Open();
    } else {
      throw Failure(fmt::format("a gate can't {}", what));
    }
  }
}

void Until(World& world, const YAML::Node& node) {
  OnlyFields(node, {"sql", "is", "database"});
  const std::string database = node["database"] ? node["database"].as<std::string>() : "warehouse";
  std::string value;
  Await(
      [&] {
        value = world.cluster.postgres().Sql(node["sql"].as<std::string>(), database);
        return value == node["is"].as<std::string>();
      },
      [&] { return fmt::format("the query says \"{}\"", value); });
}

void Ready(World& world, const YAML::Node& node) {
  for (const auto& entry : node) {
    const std::string service = entry.first.as<std::string>(),
                      wanted = entry.second.as<std::string>();
    std::string reason;
    Await(
        [&] {
          reason = world.cluster.NotReady(service);
          return wanted.empty() ? reason.empty() : reason.find(wanted) != reason.npos;
        },
        [&] { return fmt::format("{} says \"{}\" and not \"{}\"", service, reason, wanted); });
  }
}

struct Verb {
  std::string_view name;
  void (*act)(World& world, const YAML::Node& argument);
};

constexpr Verb kVerbs[] = {
    {"sql", Sql},           {"apply", Apply},
    {"trigger", Trigger},   {"wait", WaitForRun},
    {"run", Run},           {"cancel", Cancel},
    {"resume", Resume},     {"destination", Destination},
    {"token", Token},       {"arrived", Arrived},
    {"size", Size},         {"kill", Kill},
    {"drain", Drain},       {"stop", Stop},
    {"continue", Continue}, {"start", Start},
    {"ended", Ended},       {"stopped", Stopped},
    {"holds", Holds},       {"redis", Redis},
    {"postgres", Postgres}, {"gate", Gate},
    {"until", Until},       {"expect", CheckExpectations},
    {"clock", Clock},       {"penstock", CommandLine},
    {"ready", Ready},       {"launch", Launch},
};

const Verb& FindVerb(const YAML::Node& step) {
  if (!step.IsMap() || step.size() != 1)
    throw Failure(
        fmt::format("line {}: a step is one verb with its argument", step.Mark().line + 1));
  const std::string name = step.begin()->first.as<std::string>();
  const auto* verb = std::find_if(std::begin(kVerbs), std::end(kVerbs),
                                  [&](const Verb& v) { return v.name == name; });
  if (verb == std::end(kVerbs))
    throw Failure(fmt::format("line {}: unknown step \"{}\"", step.Mark().line + 1, name));
  return *verb;
}

}  // namespace

void DoStep(World& world, const YAML::Node& step) {
  const Verb& verb = FindVerb(step);
  try {
    verb.act(world, step.begin()->second);
  } catch (const std::exception& error) {
    throw Failure(fmt::format("line {}: {}: {}", step.Mark().line + 1, verb.name, error.what()));
  }
}

void CheckSteps(const YAML::Node& steps) {
  if (!steps.IsSequence() || steps.size() == 0) throw Failure("a scenario has steps");
  for (const YAML::Node& step : steps) FindVerb(step);
}

}  // namespace penstock::scenario
