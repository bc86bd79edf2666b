#include "services/common/config/builtin/builtin_connectors.h"

#include <algorithm>
#include <string>
#include <utility>

#include "services/common/config/builtin/embedded_manifests.h"

namespace penstock {
namespace {

const DeclaredResources& Builtin() {
  static const DeclaredResources* const kBuiltin = [] {
    auto* out = new DeclaredResources;
    for (const EmbeddedManifest& manifest : EmbeddedManifests())
      ReadResources(std::string(manifest.file), manifest.yaml, *out);
    Connector http;
    http.meta.name = "http";
    http.meta.description = "HTTP APIs described by their Destinations";
    out->resources.emplace_back(std::move(http));
    std::sort(out->resources.begin(), out->resources.end(),
              [](const auto& a, const auto& b) { return MetadataOf(a).name < MetadataOf(b).name; });
    return out;
  }();
  return *kBuiltin;
}

}  // namespace

const std::vector<Resource>& BuiltinConnectors() {
  return Builtin().resources;
}

const std::vector<ResourceError>& BuiltinConnectorErrors() {
  return Builtin().errors;
}

}  // namespace penstock
