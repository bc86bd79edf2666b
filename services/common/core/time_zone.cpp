#include "services/common/core/time_zone.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "services/common/core/nearest.h"
#include "services/common/core/status.h"

namespace penstock {
namespace {

constexpr size_t kLongestName = 64;

// What is spelled like a name of the database. Its files that are no zones ("posixrules"), its
// second and third copies ("right/", with leap seconds) and what abseil itself takes ("Fixed/UTC+…"
// , paths) are not.
bool IsSpelledLikeAZone(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !name.empty() && name.size() <= kLongestName && name[0] >= 'A' && name[0] <= 'Z' &&
         std::all_of(name.begin(), name.end(), [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-' ||
                  c == '/';
         });
}

// Only for messages: an empty list means no suggestion.
std::vector<std::string> ZoneNames() {
  namespace fs = std::filesystem;
  const char* folder = std::getenv("TZDIR");
  const fs::path root = folder != nullptr ? folder : "/usr/share/zoneinfo";
  std::vector<std::string> names;
  std::error_code error;
  for (fs::recursive_directory_iterator at(root, error), end; !error && at != end;
       at.increment(error)) {
    std::string name = at->path().lexically_relative(root).string();
    if (IsSpelledLikeAZone(name) && at->is_regular_file(error)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Of "Berlin", which people write for "Europe/Berlin", too.
std::string_view NearestZone(std::string_view name, const std::vector<std::string>& zones) {
  const std::vector<std::string_view> whole(zones.begin(), zones.end());
  std::vector<std::string_view> cities;
  for (const std::string& zone : zones)
    cities.push_back(std::string_view(zone).substr(zone.rfind('/') + 1));
  const auto same = std::find(cities.begin(), cities.end(), name);
  if (same != cities.end()) return whole[static_cast<size_t>(same - cities.begin())];
  return NearestName(name, whole);
}

}  // namespace

absl::StatusOr<absl::TimeZone> FindTimeZone(std::string_view name) {
  absl::TimeZone zone;
  if (IsSpelledLikeAZone(name) && absl::LoadTimeZone(Absl(name), &zone)) return zone;
  const std::vector<std::string> zones = ZoneNames();
  if (zones.empty())
    return Error(ErrorCode::kINVALID_REQUEST,
                 fmt::format("the time zone \"{}\" can't be looked up, for there is no zoneinfo "
                             "database on this machine; install tzdata",
                             name));
  const std::string_view nearest = NearestZone(name, zones);
  return Error(ErrorCode::kINVALID_REQUEST,
               fmt::format("there is no time zone \"{}\"{}", name,
                           nearest.empty() ? "; use an IANA name, like Europe/Berlin"
                                           : fmt::format(" (did you mean \"{}\"?)", nearest)));
}

}  // namespace penstock
