#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "services/common/redis/redis_reply.h"

struct redisReader;

namespace penstock {

// Cuts a byte stream of one connection into replies: hiredis' reader, building RedisReply without a
// copy in between. Not thread-safe. After an error the connection is of no more use.
class RedisReader {
 public:
  explicit RedisReader(size_t max_reply_bytes);

  // QUEUE_UNAVAILABLE when the unfinished reply is larger than allowed. Call Next() until it has no
  // more after each piece.
  absl::Status Feed(std::string_view bytes);
  // The next complete reply, if there is one. QUEUE_UNAVAILABLE when the bytes are no reply.
  absl::StatusOr<std::optional<RedisReply>> Next();

 private:
  struct Free {
    void operator()(redisReader* reader) const;
  };
  std::unique_ptr<redisReader, Free> reader_;
  size_t max_reply_bytes_;
  size_t unfinished_bytes_ = 0;
};

}  // namespace penstock
