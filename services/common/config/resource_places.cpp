#include "services/common/config/resource_places.h"

#include <utility>

#include "fmt/format.h"

namespace penstock {
namespace {

// Cuts the last segment off: "spec.mapping.email.transform[0]" -> "spec.mapping.email.transform"
// -> "spec.mapping.email". Leaves the resource's own path as it is.
bool StripSegment(std::string& violation) {
  size_t field = violation.find(": ");
  if (field == violation.npos) return false;
  size_t cut = violation.find_last_of(".[");
  if (cut == violation.npos || cut < field + 2) cut = field;
  violation.resize(cut);
  return true;
}

}  // namespace

std::string ViolationPath(std::string_view kind, std::string_view name, std::string_view field) {
  return field.empty() ? fmt::format("{}/{}", kind, name)
                       : fmt::format("{}/{}: {}", kind, name, field);
}

void ResourcePlaces::Add(std::string_view kind, std::string_view name, std::string_view field,
                         FilePlace place) {
  places_.emplace(ViolationPath(kind, name, field), std::move(place));
}

std::optional<FilePlace> ResourcePlaces::Find(std::string_view kind, std::string_view name,
                                              std::string_view field) const {
  return Find(ViolationPath(kind, name, field));
}

std::optional<FilePlace> ResourcePlaces::Find(std::string_view violation) const {
  std::string wanted(violation);
  do {
    if (auto found = places_.find(wanted); found != places_.end()) return found->second;
  } while (StripSegment(wanted));
  return std::nullopt;
}

std::string ResourceError::ToString() const {
  if (place.line == 0) return fmt::format("{}: {}", place.file, message);
  return fmt::format("{}:{}: {}", place.file, place.line, message);
}

}  // namespace penstock
