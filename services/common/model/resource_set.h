#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/model/resources.h"

namespace penstock {

// Resources by kind and name; a later one takes the place of an earlier one of the same name.
// Points into what it was made of, which must stay where it is.
class ResourceSet {
 public:
  void Add(const Resource& resource);
  void Add(std::span<const Resource> resources);
  void Remove(std::string_view kind, std::string_view name);

  const Source* FindSource(std::string_view name) const { return Find(sources_, name); }
  const Model* FindModel(std::string_view name) const { return Find(models_, name); }
  const Destination* FindDestination(std::string_view name) const {
    return Find(destinations_, name);
  }
  const Connector* FindConnector(std::string_view name) const { return Find(connectors_, name); }
  const Sync* FindSync(std::string_view name) const { return Find(syncs_, name); }

  template <typename T>
  using ByName = std::map<std::string, const T*, std::less<>>;
  const ByName<Source>& sources() const { return sources_; }
  const ByName<Model>& models() const { return models_; }
  const ByName<Destination>& destinations() const { return destinations_; }
  const ByName<Connector>& connectors() const { return connectors_; }
  const ByName<Sync>& syncs() const { return syncs_; }

 private:
  template <typename T>
  static const T* Find(const ByName<T>& all, std::string_view name) {
    auto found = all.find(name);
    return found == all.end() ? nullptr : found->second;
  }

  ByName<Source> sources_;
  ByName<Model> models_;
  ByName<Destination> destinations_;
  ByName<Connector> connectors_;
  ByName<Sync> syncs_;
};

// The connector as this Destination has it: with its inline objects, and its quotas in place of the
// connector's of the same name.
Connector EffectiveConnector(const Connector& connector, const Destination& destination);

// The object of that name, or "*" that stands for any; nullptr when the connector has neither.
const ObjectSpec* FindObject(const Connector& connector, std::string_view object);

// What may have one removing Sync only: account, object and the options that the object marks as
// part of the target. `object` may be nullptr.
std::string TargetOf(const Sync& sync, std::string_view account, const ObjectSpec* object);

}  // namespace penstock
