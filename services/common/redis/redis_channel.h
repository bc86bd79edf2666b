#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "services/common/redis/redis_command.h"
#include "services/common/redis/redis_options.h"
#include "services/common/redis/redis_reader.h"
#include "services/common/redis/redis_reply.h"
#include "services/common/redis/redis_stream.h"

namespace penstock {

// One connection that many callers share: commands are written in the order of their calls as fast
// as the socket takes them, replies are matched by order. It connects at the first command, and
// again with back-off whenever the connection is lost; commands wait for it until their deadline.
//
// A command whose bytes may have left when the connection broke ends with QUEUE_UNAVAILABLE: it may
// or may not have been executed. It is never repeated here.
//
// All state belongs to one strand; Submit and Close may be called from any thread.
class RedisChannel : public std::enable_shared_from_this<RedisChannel> {
 public:
  using Reply = absl::StatusOr<RedisReply>;
  using Done = absl::AnyInvocable<void(Reply)>;
  using TimePoint = std::chrono::steady_clock::time_point;

  RedisChannel(const asio::any_io_executor& executor, RedisOptions options);

  // `done` is called once, on the strand.
  void Submit(EncodedRedisCommand command, TimePoint deadline, Done done);
  // Ends every command with QUEUE_UNAVAILABLE, and those submitted later at once.
  void Close();

 private:
  struct Call {
    EncodedRedisCommand command;
    TimePoint begun;
    TimePoint deadline;
    Done done;  // empty once answered
  };
  using CallPtr = std::shared_ptr<Call>;

  asio::awaitable<void> Run();
  asio::awaitable<absl::Status> Serve(std::shared_ptr<RedisStream> stream);
  asio::awaitable<absl::Status> Handshake(RedisStream& stream, RedisReader& reader);
  asio::awaitable<void> WriteLoop(std::shared_ptr<RedisStream> stream);
  asio::awaitable<void> Sleep(std::chrono::milliseconds pause);

  void Enqueue(CallPtr call);
  absl::Status Deliver(RedisReply reply);
  void Answer(const CallPtr& call, Reply reply);
  void FailSent(const absl::Status& status);
  // Closes the connection from this end; those who wait for a reply are told why.
  void GiveUp(std::string_view why);
  void ArmDeadlines();
  void ExpireDeadlines();

  const RedisOptions options_;
  asio::strand<asio::any_io_executor> strand_;
  asio::steady_timer deadline_timer_;
  asio::steady_timer work_;      // cancelled to wake the writer or the connector
  std::deque<CallPtr> waiting_;  // not written yet
  std::deque<CallPtr> sent_;     // in the order of their replies
  std::set<std::pair<TimePoint, CallPtr>> deadlines_;
  size_t pending_bytes_ = 0;
  TimePoint last_progress_;
  std::shared_ptr<RedisStream> stream_;
  absl::Status given_up_;  // why this end closed `stream_`
  absl::Status last_error_;
  bool running_ = false;
  bool closed_ = false;
};

}  // namespace penstock
