#include "services/common/model/resources.h"

#include <array>

namespace penstock {

std::string FieldName(const std::vector<std::string>& path) {
  std::string name;
  for (const std::string& segment : path) {
    if (!name.empty()) name += '.';
    name += segment;
  }
  return name;
}

std::string_view KindName(const Resource& resource) {
  // In the order of the variant's alternatives.
  constexpr std::array<std::string_view, std::variant_size_v<Resource>> kNames = {
      "Source", "Model", "Destination", "Connector", "Sync"};
  return kNames[resource.index()];
}

const Metadata& MetadataOf(const Resource& resource) {
  return std::visit([](const auto& r) -> const Metadata& { return r.meta; }, resource);
}

}  // namespace penstock
