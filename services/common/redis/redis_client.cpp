#include "services/common/redis/redis_client.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "services/common/redis/redis_channel.h"

namespace penstock {
namespace {

RedisClient::Result Await(std::shared_ptr<RedisChannel> channel, EncodedRedisCommand command,
                          RedisChannel::TimePoint deadline) {
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>,
                                          void(absl::StatusOr<RedisReply>)>(
      [](auto handler, RedisChannel* to, EncodedRedisCommand bytes, RedisChannel::TimePoint until) {
        // The reply arrives on the channel's strand; the caller goes on where it runs.
        auto executor = asio::get_associated_executor(handler);
        to->Submit(std::move(bytes), until,
                   [handler = std::move(handler), executor](RedisChannel::Reply reply) mutable {
                     asio::post(executor,
                                [handler = std::move(handler), reply = std::move(reply)]() mutable {
                                  std::move(handler)(std::move(reply));
                                });
                   });
      },
      asio::use_awaitable, channel.get(), std::move(command), deadline);
}

RedisClient::Result Observed(RedisClient::Result result,
                             std::shared_ptr<const RedisClient::Observe> observe) {
  const auto begun = std::chrono::steady_clock::now();
  absl::StatusOr<RedisReply> reply = co_await std::move(result);
  (*observe)(std::chrono::steady_clock::now() - begun, reply.ok());
  co_return reply;
}

RedisClient::Result ObservedIfLost(RedisClient::Result result,
                                   std::shared_ptr<const RedisClient::Observe> observe) {
  absl::StatusOr<RedisReply> reply = co_await std::move(result);
  if (!reply.ok()) (*observe)({}, false);
  co_return reply;
}

}  // namespace

RedisClient::RedisClient(const asio::any_io_executor& executor, RedisOptions options,
                         Observe observe)
    : options_(std::move(options)),
      observe_(std::make_shared<const Observe>(std::move(observe))),
      commands_(std::make_shared<RedisChannel>(executor, options_)),
      blocking_(std::make_shared<RedisChannel>(executor, options_)) {}

RedisClient::~RedisClient() {
  Close();
}

RedisClient::Result RedisClient::Send(const RedisCommand& command) {
  return Send(command, options_.command_timeout);
}

RedisClient::Result RedisClient::Send(const RedisCommand& command,
                                      std::chrono::milliseconds timeout) {
  return Observed(Await(commands_, command.Encode(), std::chrono::steady_clock::now() + timeout),
                  observe_);
}

RedisClient::Result RedisClient::SendBlocking(const RedisCommand& command,
                                              std::chrono::milliseconds block) {
  return ObservedIfLost(Await(blocking_, command.Encode(),
                              std::chrono::steady_clock::now() + block + options_.command_timeout),
                        observe_);
}

void RedisClient::Close() {
  commands_->Close();
  blocking_->Close();
}

}  // namespace penstock
