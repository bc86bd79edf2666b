#include "services/common/redis/redis_watch.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <mutex>
#include <optional>
#include <utility>

#include "services/common/core/status.h"
#include "services/common/redis/redis_info.h"

namespace penstock {
namespace {

constexpr std::chrono::seconds kInterval{1};

}  // namespace

// Outlives the watch while its coroutine ends.
struct RedisWatch::State {
  State(const asio::any_io_executor& executor, RedisClient& asked)
      : strand(asio::make_strand(executor)), timer(strand), client(&asked) {}

  // Nothing when the watch is over. Commands are encoded at once and hold what they need, so the
  // client may go while its answer is awaited.
  std::optional<RedisClient::Result> Ask() {
    const std::lock_guard lock(mutex);
    if (client == nullptr) return std::nullopt;
    return client->Command("INFO");
  }
  // False when the watch is over.
  bool Keep(absl::Status status, RedisMemory used) {
    const std::lock_guard lock(mutex);
    known = std::move(status);
    memory = used;
    return client != nullptr;
  }

  asio::strand<asio::any_io_executor> strand;
  asio::steady_timer timer;
  std::mutex mutex;  // guards all below
  RedisClient* client;
  absl::Status known = Error(ErrorCode::kQUEUE_UNAVAILABLE, "Redis has not answered yet");
  RedisMemory memory;
};

RedisWatch::RedisWatch(const asio::any_io_executor& executor, RedisClient& client)
    : state_(std::make_shared<State>(executor, client)) {
  asio::co_spawn(state_->strand, Watch(state_), asio::detached);
}

RedisWatch::~RedisWatch() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->client = nullptr;
  }
  asio::post(state_->strand, [state = state_] { state->timer.cancel(); });
}

absl::Status RedisWatch::status() const {
  const std::lock_guard lock(state_->mutex);
  return state_->known;
}

RedisMemory RedisWatch::memory() const {
  const std::lock_guard lock(state_->mutex);
  return state_->memory;
}

asio::awaitable<void> RedisWatch::Watch(std::shared_ptr<State> state) {
  while (auto question = state->Ask()) {
    const absl::StatusOr<RedisReply> answer = co_await std::move(*question);
    absl::Status status = answer.status();
    RedisMemory memory;
    if (answer.ok() && answer->IsString()) {
      const RedisInfo info = RedisInfo::Parse(answer->text);
      status = info.Usable();
      memory = info.memory;
    }
    if (answer.ok() && !answer->IsString())
      status = Error(ErrorCode::kQUEUE_UNAVAILABLE, "Redis refuses INFO: " + answer->text);
    if (!state->Keep(std::move(status), memory)) co_return;
    state->timer.expires_after(kInterval);
    co_await state->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

}  // namespace penstock
