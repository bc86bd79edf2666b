#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/common/model/resource_set.h"
#include "services/common/model/validate.h"

namespace penstock::planner {

struct StoredResource {
  Resource resource;
  std::string etag;
};

enum class ApplyAction : uint8_t { kCreated, kUpdated, kUnchanged, kRenamed };
std::string_view Name(ApplyAction action);

// What an apply means beside what is stored: who changes, who hangs on a change, what must be asked
// of the warehouse and the destinations. Pure. Built-in connectors are always those of this build.
class ApplyPlan {
 public:
  using Id = std::pair<std::string, std::string>;  // kind, name
  static Id IdOf(const Resource& resource);

  // `deleted` are stored and not declared.
  ApplyPlan(std::vector<Resource> declared, std::vector<StoredResource> stored,
            std::span<const Resource> builtin, std::set<Id> deleted = {});
  ApplyPlan(const ApplyPlan&) = delete;  // the sets point into it
  ApplyPlan& operator=(const ApplyPlan&) = delete;

  std::span<const Resource> declared() const { return declared_; }
  // All resources as they will be.
  const ResourceSet& after() const { return after_; }
  const ResourceSet& before() const { return before_; }
  ApplyAction ActionOf(size_t declared) const { return actions_[declared]; }
  bool ChangesAnything() const;
  // Those that refer before those that are referred to.
  std::vector<Id> Deleted() const;

  // What the rules of model/validate.h and those of names and renames have against it.
  std::vector<ResourceProblem> Check() const;

  // A model with those of its Syncs that changed or hang on a change. A model may have none.
  struct ModelToDescribe {
    const Source* source;
    const Model* model;
    std::vector<const Sync*> syncs;
  };
  std::vector<ModelToDescribe> ModelsToDescribe() const;
  // The same of a Destination.
  struct DeliveryToCheck {
    const Destination* destination;
    std::vector<const Sync*> syncs;
  };
  std::vector<DeliveryToCheck> DeliveriesToCheck() const;
  // Syncs that changed or hang on a change.
  std::vector<const Sync*> TouchedSyncs() const;

  // The connector of a Destination of after(), its inline objects merged in. REQUIRES: it has one.
  Connector ConnectorOf(const Destination& destination) const;
  // What is stored of the resource under its name or the one that it is renamed from; else nullptr.
  const Sync* StoredOf(const Sync& sync) const;
  // True when `from`, stored, and `to`, declared, are one Destination.
  bool SameDestination(std::string_view from, std::string_view to) const;

  // What has to be stored, in an order in which renames come before what refers to the new names,
  // with the etags that it was checked against: changed resources, Syncs that hang on them, and
  // built-in connectors in use.
  std::vector<StoredResource> ToStore() const;

 private:
  void Classify(const Resource& declared);
  bool Touched(std::string_view kind, const std::string& name) const;
  bool TouchedDestination(const Destination& destination) const;
  bool TouchedModel(const Model& model) const;
  bool TouchedSync(const Sync& sync) const;
  bool LostParent(const Sync& sync) const;
  void CheckNames(std::vector<ResourceProblem>& problems) const;

  std::vector<Resource> declared_;
  std::vector<StoredResource> stored_;
  std::span<const Resource> builtin_;
  std::set<Id> deleted_;
  std::map<Id, const StoredResource*> stored_by_id_;
  std::map<Id, Id> renamed_from_;  // new -> stored
  std::vector<ApplyAction> actions_;
  std::set<Id> changed_;  // old names of renamed ones and deleted ones too
  ResourceSet before_;
  ResourceSet after_;
};

}  // namespace penstock::planner
