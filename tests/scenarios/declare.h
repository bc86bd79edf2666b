#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <string>
#include <vector>

#include "penstock/v1/resources.pb.h"

namespace penstock::scenario {

// Where a scenario's connections lead.
struct Endpoints {
  uint16_t warehouse_port = 0;
  uint16_t warehouse_gate_port = 0;
  std::string store_url;
  uint16_t store_gate_port = 0;
  std::string store_ca;  // file of the authority that vouches for a store with TLS
};

// The resources of a scenario: Source warehouse, Destination store (the keyed store with all
// operations on its object records), Model people (table people, primary key id), and Sync people
// with the scenario's `sync`, which holds only what differs from an upsert by email of the columns
// email and name. `model` and `destination` are laid over their specs. `more` is a list of whole
// resources. ${store}, ${gated_store}, ${store_ca}, ${warehouse_port} and ${warehouse_gate} (the
// port of a gate before the warehouse) are replaced. Throws std::runtime_error with all errors of
// the reader.
std::vector<v1::Resource> Declare(const YAML::Node& scenario, const Endpoints& endpoints);

// Lays `over` over `under`: mappings are merged, all else replaces.
YAML::Node Overlay(const YAML::Node& under, const YAML::Node& over);

}  // namespace penstock::scenario
