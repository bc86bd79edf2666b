#include "services/common/config/resource_check.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "services/common/model/validate.h"

namespace penstock {
namespace {

// True when `inner` is the field `outer` or lies inside of it.
bool LiesIn(std::string_view inner, std::string_view outer) {
  if (!inner.starts_with(outer)) return false;
  const std::string_view rest = inner.substr(outer.size());
  return rest.empty() || rest.front() == '.' || rest.front() == '[';
}

// True when reading has already failed at the field, inside of it or around it.
bool IsKnown(const std::vector<ResourceError>& errors, std::string_view violation) {
  return std::any_of(errors.begin(), errors.end(), [&](const ResourceError& error) {
    return LiesIn(error.violation, violation) || LiesIn(violation, error.violation);
  });
}

}  // namespace

void CheckDeclared(DeclaredResources& declared, std::span<const Resource> others) {
  ResourceSet all;
  all.Add(others);
  all.Add(declared.resources);
  std::vector<ResourceError> found;
  for (ResourceProblem& problem : Validate(declared.resources, all)) {
    std::string violation = ViolationPath(problem.kind, problem.name, problem.field);
    if (IsKnown(declared.errors, violation)) continue;
    FilePlace place = declared.places.Find(violation).value_or(FilePlace{});
    found.push_back(
        {std::move(place), std::move(violation), problem.field + ": " + problem.message});
  }
  declared.errors.insert(declared.errors.end(), found.begin(), found.end());
  std::stable_sort(declared.errors.begin(), declared.errors.end(),
                   [](const ResourceError& a, const ResourceError& b) {
                     return std::tie(a.place.file, a.place.line) <
                            std::tie(b.place.file, b.place.line);
                   });
}

}  // namespace penstock
