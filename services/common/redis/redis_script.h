#pragma once

#include <span>
#include <string>
#include <string_view>

#include "services/common/redis/redis_client.h"

namespace penstock {

// A Lua script, called by its hash; Redis gets the source when it doesn't know it (after a restart
// or SCRIPT FLUSH). Immutable, so one object serves all threads.
class RedisScript {
 public:
  explicit RedisScript(std::string source);

  // `keys` and `args` are encoded before the call returns. Errors as RedisClient's; an error that
  // the script raises is a reply of kind error.
  RedisClient::Result Call(RedisClient& client, std::span<const std::string_view> keys,
                           std::span<const std::string_view> args) const;

  const std::string& sha1() const { return sha1_; }

 private:
  std::string source_;
  std::string sha1_;
};

}  // namespace penstock
