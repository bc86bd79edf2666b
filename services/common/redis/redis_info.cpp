#include "services/common/redis/redis_info.h"

#include <charconv>

#include "fmt/format.h"
#include "services/common/core/status.h"

namespace penstock {
namespace {

uint64_t Number(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

absl::Status Unusable(std::string_view why) {
  return Error(ErrorCode::kQUEUE_UNAVAILABLE, fmt::format("Redis can't carry work: {}", why));
}

}  // namespace

RedisInfo RedisInfo::Parse(std::string_view info) {
  RedisInfo out;
  while (!info.empty()) {
    std::string_view line = info.substr(0, info.find('\n'));
    info.remove_prefix(std::min(info.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    size_t colon = line.find(':');
    if (colon == line.npos) continue;
    std::string_view name = line.substr(0, colon);
    std::string_view value = line.substr(colon + 1);
    if (name == "redis_version") out.version = value;
    if (name == "redis_mode") out.mode = value;
    if (name == "role") out.role = value;
    if (name == "maxmemory_policy") out.maxmemory_policy = value;
    if (name == "maxmemory") out.memory.limit_bytes = Number(value);
    if (name == "used_memory") out.memory.used_bytes = Number(value);
  }
  return out;
}

absl::Status RedisInfo::Usable() const {
  if (mode == "cluster")
    return Unusable("it runs as a cluster; point --redis-url at a single primary");
  if (role != "master") return Unusable("it is a replica; point --redis-url at the primary");
  if (maxmemory_policy != "noeviction") {
    return Unusable(fmt::format(
        "its maxmemory-policy is {}, which drops keys; set it to noeviction", maxmemory_policy));
  }
  return absl::OkStatus();
}

}  // namespace penstock
