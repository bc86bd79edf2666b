#pragma once

#include <set>
#include <string>
#include <vector>

#include "services/common/model/resources.h"

namespace penstock {

// An entry of a Destination's `config`, by dotted path.
struct ConfigKey {
  std::string name;
  bool required = false;
  std::string meaning;  // for people
  friend bool operator==(const ConfigKey&, const ConfigKey&) = default;
};

// The entries of config that the connector's auth is made of.
std::set<std::string> ConfigInAuth(const Connector& connector);

// What a Destination of this connector may give, the required first; "auth" stands for all below
// "auth.". `connector`: with the Destination's objects, where it has its own.
std::vector<ConfigKey> ConfigKeysOf(const Connector& connector);

}  // namespace penstock
