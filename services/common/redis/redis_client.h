#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <concepts>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "services/common/redis/redis_command.h"
#include "services/common/redis/redis_options.h"
#include "services/common/redis/redis_reply.h"

namespace penstock {

namespace asio = boost::asio;
class RedisChannel;

// The one way to Redis. Any number of coroutines on any threads may call at once: their commands
// share one connection and are pipelined. Commands that block inside Redis (XREADGROUP … BLOCK,
// BLPOP) go over a second connection, where they wait for each other. Both connect when first used
// and reconnect by themselves. SUBSCRIBE is not for it: lists and streams lose nothing while their
// reader is away.
//
// Every call ends by its deadline with
//   the reply, error replies that are for the caller to judge included (see redis_errors.h), or
//   QUEUE_FULL         Redis takes no writes, or too much waits here: hold back and try again, or
//   QUEUE_UNAVAILABLE  not reachable, refused, no reply in time: the command may have been
//   executed.
class RedisClient {
 public:
  using Result = asio::awaitable<absl::StatusOr<RedisReply>>;

  // Told of each command how long its reply took and whether one came; of blocking ones only when
  // none came. On any thread.
  using Observe = std::function<void(std::chrono::nanoseconds took, bool ok)>;

  RedisClient(
      const asio::any_io_executor& executor, RedisOptions options,
      Observe observe = [](std::chrono::nanoseconds, bool) {});
  // Closes; calls in progress end with QUEUE_UNAVAILABLE.
  ~RedisClient();
  RedisClient(const RedisClient&) = delete;
  RedisClient& operator=(const RedisClient&) = delete;

  // co_await client.Command("HSET", key, "field", 42): words are strings or integers, and are
  // encoded before the call returns.
  template <typename... Words>
  Result Command(const Words&... words) {
    return Send(RedisCommand(words...));
  }
  // The same for a list built at run time, with the options' command_timeout or another one.
  Result Send(const RedisCommand& command);
  Result Send(const RedisCommand& command, std::chrono::milliseconds timeout);
  // A command that Redis itself may hold for `block`; the reply may take command_timeout longer.
  // Encoded before the call returns.
  Result SendBlocking(const RedisCommand& command, std::chrono::milliseconds block);

  void Close();
  const RedisOptions& options() const { return options_; }

 private:
  const RedisOptions options_;
  // Calls in progress may outlive the client.
  const std::shared_ptr<const Observe> observe_;
  std::shared_ptr<RedisChannel> commands_;
  std::shared_ptr<RedisChannel> blocking_;
};

}  // namespace penstock
