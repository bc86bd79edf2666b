#include "services/common/model/resource_set.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

namespace penstock {

void ResourceSet::Add(const Resource& resource) {
  struct Visitor {
    ResourceSet& set;
    void operator()(const Source& r) const { set.sources_[r.meta.name] = &r; }
    void operator()(const Model& r) const { set.models_[r.meta.name] = &r; }
    void operator()(const Destination& r) const { set.destinations_[r.meta.name] = &r; }
    void operator()(const Connector& r) const { set.connectors_[r.meta.name] = &r; }
    void operator()(const Sync& r) const { set.syncs_[r.meta.name] = &r; }
  };
  std::visit(Visitor{*this}, resource);
}

void ResourceSet::Add(std::span<const Resource> resources) {
  for (const Resource& resource : resources) Add(resource);
}

void ResourceSet::Remove(std::string_view kind, std::string_view name) {
  const auto erase = [&](auto& all) {
    if (auto found = all.find(name); found != all.end()) all.erase(found);
  };
  if (kind == "Source") erase(sources_);
  if (kind == "Model") erase(models_);
  if (kind == "Destination") erase(destinations_);
  if (kind == "Connector") erase(connectors_);
  if (kind == "Sync") erase(syncs_);
}

Connector EffectiveConnector(const Connector& connector, const Destination& destination) {
  Connector out = connector;
  for (const auto& [name, object] : destination.objects) out.objects[name] = object;
  for (const auto& [name, quota] : destination.quotas) out.quotas[name] = quota;
  return out;
}

const ObjectSpec* FindObject(const Connector& connector, std::string_view object) {
  auto found = connector.objects.find(std::string(object));
  if (found == connector.objects.end()) found = connector.objects.find("*");
  return found == connector.objects.end() ? nullptr : &found->second;
}

std::string TargetOf(const Sync& sync, std::string_view account, const ObjectSpec* object) {
  // JSON keeps apart what a plain separator would not: names of objects are the vendor's.
  boost::json::array target = {boost::json::string(account), boost::json::string(sync.object)};
  for (const auto& [name, value] : sync.options) {
    if (object == nullptr || !object->options.contains(name) || !object->options.at(name)) continue;
    target.push_back({boost::json::string(name), boost::json::string(value)});
  }
  return boost::json::serialize(target);
}

}  // namespace penstock
