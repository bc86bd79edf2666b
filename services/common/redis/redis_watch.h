#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>

#include "absl/status/status.h"
#include "services/common/redis/redis_client.h"
#include "services/common/redis/redis_info.h"

namespace penstock {

// Knows whether Redis can be reached and may carry work (RedisInfo::Usable), by asking once a
// second on `executor`, until it is destroyed. For /readyz. Its answers are thread-safe.
class RedisWatch {
 public:
  // `client` must outlive it.
  RedisWatch(const asio::any_io_executor& executor, RedisClient& client);
  ~RedisWatch();
  RedisWatch(const RedisWatch&) = delete;
  RedisWatch& operator=(const RedisWatch&) = delete;

  // QUEUE_UNAVAILABLE with the remedy; also before the first answer.
  absl::Status status() const;
  // As it said last; zeros before.
  RedisMemory memory() const;

 private:
  struct State;
  static asio::awaitable<void> Watch(std::shared_ptr<State> state);

  const std::shared_ptr<State> state_;
};

}  // namespace penstock
