#pragma once

#include <yaml-cpp/yaml.h>

#include <chrono>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>

#include "tests/scenarios/api.h"
#include "tests/scenarios/cluster.h"
#include "tests/scenarios/keyed_store.h"

namespace penstock::scenario {

// What a scenario asked for did not happen, or what it says makes no sense.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// All that the steps of a scenario act upon.
struct World {
  YAML::Node scenario;
  Cluster& cluster;
  KeyedStore& store;
  testing::TcpGate& store_gate;  // a second way to the store
  Api& api;
  const std::string store_ca;               // file of the authority of a store with TLS
  std::map<std::string, std::string> runs;  // ids by the names that the scenario gives them
  std::string last_run;                     // the name of the one triggered last

  // The run of that name, or the one triggered last.
  std::string RunId(const YAML::Node& name) const;
};

// Waits until `condition` is true; a Failure with what `tell` says when it isn't in time.
void Await(const std::function<bool()>& condition, const std::function<std::string()>& tell,
           std::chrono::milliseconds within = std::chrono::seconds(15));

// "SUCCEEDED" for RUN_STATE_SUCCEEDED.
std::string StateName(v1::RunState state);
bool IsTerminal(v1::RunState state);
// A run in one line, for people.
std::string Tell(const v1::Run& run);

// Refuses names that are not among the known ones, so that a mistyped expectation can't pass.
void OnlyFields(const YAML::Node& map, std::initializer_list<std::string_view> known);

}  // namespace penstock::scenario
