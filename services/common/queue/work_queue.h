#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/core/uuid.h"
#include "services/common/redis/redis_client.h"

namespace penstock {

// The batches of one read on their way to one destination.
struct StreamId {
  std::string destination;
  Uuid run;
  uint32_t read = 0;
  std::string sync;  // for fairness and logs

  // "<destination>/<run>/<read>/<sync>": what the sets of streams hold. Names are DNS labels, so
  // the text is unambiguous.
  std::string ToString() const;
  static absl::StatusOr<StreamId> Parse(std::string_view text);
  friend auto operator<=>(const StreamId&, const StreamId&) = default;
};

struct QueueLimits {
  uint64_t destination_bytes = 64 << 20;  // waiting for one destination
  uint64_t total_bytes = 1 << 30;         // waiting in all
};

struct TakenBatch {
  std::string entry;  // Redis' id of it, for Settle
  std::string body;   // an encoded batch
};

// The work in flight in Redis: tickets that wake extractors, and batches on their way to loaders.
// Redis may lose all of it at any moment: that costs time, never data, since state alone grants
// sends. Keys and their meaning: docs/queues.md. Any number of coroutines may call at once. Errors
// are RedisClient's.
class WorkQueue {
 public:
  template <typename T>
  using Async = asio::awaitable<absl::StatusOr<T>>;

  // `redis` must outlive it; `prefix` begins all names.
  WorkQueue(RedisClient& redis, std::string prefix, QueueLimits limits);

  // What changes whenever Redis may have lost something: a random text that is written where it is
  // missing, and the id of the server's process.
  Async<std::string> Incarnation();

  // A ticket says that a task may be waiting. One too many costs one question, a lost one is issued
  // again.
  asio::awaitable<absl::Status> PostTicket();
  // True: a ticket was taken. Waits up to `block`.
  Async<bool> TakeTicket(std::chrono::milliseconds block);
  Async<int64_t> Tickets();

  // Opens the stream of a read; pushes to one that was never opened, closed or lost are refused.
  asio::awaitable<absl::Status> Open(const StreamId& stream);
  enum class Pushed : uint8_t {
    kYes,
    kFull,  // the backlog's share is used up: try again
    kGone,  // the stream is closed, or Redis lost it
  };
  Async<Pushed> Push(const StreamId& stream, std::string_view body);
  // Deletes a stream with all that is in it. Harmless when it is gone.
  asio::awaitable<absl::Status> Close(const StreamId& stream);
  Async<std::vector<StreamId>> OpenStreams();
  // Bytes that wait for each destination for which any did since Redis was empty.
  Async<std::map<std::string, int64_t>> BytesByDestination();
  // Batches in it that are not settled; nullopt: there is no such stream.
  Async<std::optional<int64_t>> Length(const StreamId& stream);

  // Streams that hold batches.
  Async<std::vector<StreamId>> ReadyStreams();
  // Batches that nobody took, at most `count`; they are `consumer`'s until settled.
  Async<std::vector<TakenBatch>> Take(const StreamId& stream, std::string_view consumer, int count);
  // Batches that were taken but not settled nor touched for `idle`: their consumer may be dead.
  Async<std::vector<TakenBatch>> Claim(const StreamId& stream, std::string_view consumer,
                                       std::chrono::milliseconds idle, int count);
  // The consumer still works on it, so nobody should claim it.
  asio::awaitable<absl::Status> Touch(const StreamId& stream, std::string_view consumer,
                                      std::string_view entry);
  // The batch is done with (settled, or refused for good): it leaves the stream, its bytes go back
  // to the backlog.
  asio::awaitable<absl::Status> Settle(const StreamId& stream, std::string_view entry,
                                       size_t body_bytes);
  // Waits until something was pushed after `last` (empty: from now on), up to `block`. Gives the
  // new `last`.
  Async<std::string> WaitForPush(std::string_view last, std::chrono::milliseconds block);

 private:
  std::string Key(std::string_view name) const;
  std::string LoadKey(const StreamId& stream) const;
  asio::awaitable<absl::StatusOr<RedisReply>> Send(const RedisCommand& command);

  RedisClient& redis_;
  const std::string prefix_;
  const QueueLimits limits_;
};

}  // namespace penstock
