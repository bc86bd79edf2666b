#pragma once

#include <string_view>
#include <vector>

namespace penstock {

// A file of services/loader/connectors, as it was when this was built.
struct EmbeddedManifest {
  std::string_view file;
  std::string_view yaml;
};
std::vector<EmbeddedManifest> EmbeddedManifests();

}  // namespace penstock
