#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/core/error_codes.h"
#include "services/common/model/resource_set.h"
#include "services/common/model/resources.h"

// What can be said of resources without a warehouse or destination. Everything that is wrong is
// told at once, and nothing here depends on where the resources came from.
namespace penstock {

struct ResourceProblem {
  std::string kind;
  std::string name;
  std::string field;  // path, as "spec.mapping.email.cast"
  std::string message;
  ErrorCode code = ErrorCode::kINVALID_RESOURCE;
};

// Rules of one resource by itself.
void ValidateResource(const Resource& resource, std::vector<ResourceProblem>& problems);

// Rules between resources: `resource` against all those that will be there with it.
void ValidateReferences(const Resource& resource, const ResourceSet& all,
                        std::vector<ResourceProblem>& problems);

// Both, for every one of `resources`; `all` contains them and whatever else there is.
std::vector<ResourceProblem> Validate(std::span<const Resource> resources, const ResourceSet& all);

}  // namespace penstock
