#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace penstock {

// Of the whole server.
struct RedisMemory {
  uint64_t used_bytes = 0;
  uint64_t limit_bytes = 0;  // 0: no limit
};

// What INFO says about the server, as far as Penstock depends on it.
struct RedisInfo {
  std::string version;
  std::string mode;  // standalone, sentinel or cluster
  std::string role;  // master or slave
  std::string maxmemory_policy;
  RedisMemory memory;

  // Reads the text of INFO; fields it doesn't know are skipped.
  static RedisInfo Parse(std::string_view info);
  // OK when this server may carry work: one primary, no cluster, and a policy under which it
  // refuses writes instead of dropping keys (noeviction). Else QUEUE_UNAVAILABLE with the remedy.
  absl::Status Usable() const;
};

}  // namespace penstock
