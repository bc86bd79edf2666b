#include "services/common/model/resources.h"

#include <boost/json/parse.hpp>

#include <array>

namespace penstock {

std::map<std::string, std::string> TextArguments(const Transform& transform) {
  std::map<std::string, std::string> out;
  boost::system::error_code error;
  const boost::json::value args = boost::json::parse(transform.args_json, error);
  if (error || !args.is_object()) return out;
  for (const auto& [name, value] : args.as_object()) {
    if (value.is_string()) out[std::string(name)] = value.as_string().c_str();
  }
  return out;
}

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
