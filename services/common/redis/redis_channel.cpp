#include "services/common/redis/redis_channel.h"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "services/common/core/random.h"
#include "services/common/core/secret_file.h"
#include "services/common/core/status.h"
#include "services/common/redis/redis_errors.h"

namespace penstock {
namespace {

using std::chrono::steady_clock;
constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);
constexpr size_t kReadBytes = 64 << 10;
// Commands gathered into one write.
constexpr size_t kMaxGather = 64;

}  // namespace

RedisChannel::RedisChannel(const asio::any_io_executor& executor, RedisOptions options)
    : options_(std::move(options)),
      strand_(asio::make_strand(executor)),
      deadline_timer_(strand_),
      work_(strand_) {}

void RedisChannel::Submit(EncodedRedisCommand command, TimePoint deadline, Done done) {
  auto call = std::make_shared<Call>(
      Call{std::move(command), steady_clock::now(), deadline, std::move(done)});
  asio::post(strand_, [self = shared_from_this(), call = std::move(call)]() mutable {
    self->Enqueue(std::move(call));
  });
}

void RedisChannel::Close() {
  asio::post(strand_, [self = shared_from_this()] {
    self->closed_ = true;
    self->last_error_ = Error(ErrorCode::kQUEUE_UNAVAILABLE, "the Redis client is closed");
    if (self->stream_ != nullptr) self->stream_->Close();
    self->FailSent(self->last_error_);
    while (!self->waiting_.empty()) {
      CallPtr call = std::move(self->waiting_.front());
      self->waiting_.pop_front();
      self->Answer(call, self->last_error_);
    }
    self->work_.cancel();
    self->deadline_timer_.cancel();
  });
}

void RedisChannel::Enqueue(CallPtr call) {
  if (closed_) {
    call->done(last_error_);
    return;
  }
  size_t size = call->command.bytes().size();
  if (pending_bytes_ + size > options_.max_pending_bytes) {
    call->done(Error(ErrorCode::kQUEUE_FULL,
                     fmt::format("{}: more than {} bytes of commands wait for it",
                                 DisplayName(options_), options_.max_pending_bytes)));
    return;
  }
  pending_bytes_ += size;
  deadlines_.emplace(call->deadline, call);
  if (deadlines_.begin()->second == call) ArmDeadlines();
  waiting_.push_back(std::move(call));
  work_.cancel();
  if (!running_) {
    running_ = true;
    asio::co_spawn(strand_, [self = shared_from_this()] { return self->Run(); }, asio::detached);
  }
}

asio::awaitable<void> RedisChannel::Run() {
  auto pause = options_.first_backoff;
  while (!closed_) {
    auto stream = co_await ConnectRedis(options_);
    if (stream.ok() && !closed_) {
      steady_clock::time_point connected = steady_clock::now();
      last_error_ = co_await Serve(*std::move(stream));
      if (steady_clock::now() - connected > options_.last_backoff) pause = options_.first_backoff;
    } else if (!stream.ok()) {
      last_error_ = stream.status();
    }
    if (closed_) break;
    // A little randomness, so that the clients of a restarted server don't come back in step.
    double jitter = 0.5 + 0.5 * Random::System().Uniform();
    co_await Sleep(std::chrono::milliseconds(
        std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(pause.count()) * jitter))));
    pause = std::min(pause * 2, options_.last_backoff);
    // Nobody waits: connect when somebody does.
    if (waiting_.empty()) break;
  }
  running_ = false;
}

asio::awaitable<absl::Status> RedisChannel::Serve(std::shared_ptr<RedisStream> stream) {
  stream_ = stream;
  last_progress_ = steady_clock::now();
  RedisReader reader(options_.max_reply_bytes);
  // A server that takes the connection and then is silent may not hold up the next attempt.
  asio::steady_timer limit(strand_, options_.connect_timeout);
  limit.async_wait([self = shared_from_this(), stream](boost::system::error_code error) {
    if (!error && self->stream_ == stream) self->GiveUp("no reply to the log-in");
  });
  absl::Status status = co_await Handshake(*stream, reader);
  limit.cancel();
  if (status.ok()) {
    asio::co_spawn(
        strand_, [self = shared_from_this(), stream] { return self->WriteLoop(stream); },
        asio::detached);
  }
  std::vector<char> buffer(kReadBytes);
  while (status.ok()) {
    absl::StatusOr<size_t> n = co_await stream->Read(buffer);
    if (!n.ok()) {
      status = n.status();
      break;
    }
    last_progress_ = steady_clock::now();
    status = reader.Feed({buffer.data(), *n});
    while (status.ok()) {
      absl::StatusOr<std::optional<RedisReply>> reply = reader.Next();
      status = reply.status();
      if (!status.ok() || !reply->has_value()) break;
      status = Deliver(**std::move(reply));
    }
  }
  stream->Close();
  stream_.reset();
  work_.cancel();
  if (!given_up_.ok()) status = std::exchange(given_up_, absl::OkStatus());
  FailSent(status);
  co_return status;
}

void RedisChannel::GiveUp(std::string_view why) {
  given_up_ =
      Error(ErrorCode::kQUEUE_UNAVAILABLE, fmt::format("{}: {}", DisplayName(options_), why));
  stream_->Close();
}

asio::awaitable<absl::Status> RedisChannel::Handshake(RedisStream& stream, RedisReader& reader) {
  std::vector<EncodedRedisCommand> commands;
  std::string password = options_.password;
  if (!options_.password_file.empty()) {
    absl::StatusOr<Secret> secret = ReadSecretFile(options_.password_file);
    if (!secret.ok())
      co_return Error(ErrorCode::kQUEUE_UNAVAILABLE, Std(secret.status().message()));
    password = secret->Reveal();
  }
  if (!password.empty()) {
    commands.push_back(options_.user.empty()
                           ? RedisCommand("AUTH", password).Encode()
                           : RedisCommand("AUTH", options_.user, password).Encode());
  }
  if (options_.database != 0)
    commands.push_back(RedisCommand("SELECT", options_.database).Encode());
  std::array<char, 512> buffer;
  for (const EncodedRedisCommand& command : commands) {
    std::vector<asio::const_buffer> bytes = {
        asio::buffer(command.bytes().data(), command.bytes().size())};
    PENSTOCK_CO_RETURN_IF_ERROR(co_await stream.Write(bytes));
    for (;;) {
      PENSTOCK_CO_ASSIGN_OR_RETURN(size_t n, co_await stream.Read(buffer));
      PENSTOCK_CO_RETURN_IF_ERROR(reader.Feed({buffer.data(), n}));
      PENSTOCK_CO_ASSIGN_OR_RETURN(std::optional<RedisReply> reply, reader.Next());
      if (!reply.has_value()) continue;
      PENSTOCK_CO_RETURN_IF_ERROR(ServerCondition(*reply));
      if (reply->IsError()) {
        co_return Error(ErrorCode::kQUEUE_UNAVAILABLE,
                        fmt::format("{}: {}", DisplayName(options_), reply->text));
      }
      break;
    }
  }
  co_return absl::OkStatus();
}

asio::awaitable<void> RedisChannel::WriteLoop(std::shared_ptr<RedisStream> stream) {
  while (stream_ == stream) {
    if (waiting_.empty()) {
      work_.expires_at(asio::steady_timer::time_point::max());
      co_await work_.async_wait(kNoThrow);
      continue;
    }
    // The calls are kept here too: one may be answered by its deadline while its bytes are written.
    std::vector<CallPtr> batch;
    std::vector<asio::const_buffer> buffers;
    if (sent_.empty()) last_progress_ = steady_clock::now();
    while (!waiting_.empty() && batch.size() < kMaxGather) {
      batch.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
      std::string_view bytes = batch.back()->command.bytes();
      buffers.emplace_back(bytes.data(), bytes.size());
      sent_.push_back(batch.back());
    }
    absl::Status status = co_await stream->Write(buffers);
    if (!status.ok()) {
      stream->Close();  // the reader sees it and tells the callers
      co_return;
    }
  }
}

absl::Status RedisChannel::Deliver(RedisReply reply) {
  if (sent_.empty())
    return Error(ErrorCode::kQUEUE_UNAVAILABLE, "Redis sent a reply that nobody asked for");
  CallPtr call = std::move(sent_.front());
  sent_.pop_front();
  absl::Status condition = ServerCondition(reply);
  Answer(call, condition.ok() ? Reply(std::move(reply)) : Reply(condition));
  return absl::OkStatus();
}

void RedisChannel::Answer(const CallPtr& call, Reply reply) {
  if (!call->done) return;
  Done done = std::exchange(call->done, nullptr);
  deadlines_.erase({call->deadline, call});
  pending_bytes_ -= call->command.bytes().size();
  done(std::move(reply));
}

void RedisChannel::FailSent(const absl::Status& status) {
  std::deque<CallPtr> sent = std::exchange(sent_, {});
  for (const CallPtr& call : sent) {
    Answer(call, WithContext(status,
                             "the connection broke before the reply, the command may have "
                             "been executed"));
  }
}

void RedisChannel::ArmDeadlines() {
  if (deadlines_.empty()) return;
  deadline_timer_.expires_at(deadlines_.begin()->first);
  deadline_timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->ExpireDeadlines();
  });
}

void RedisChannel::ExpireDeadlines() {
  TimePoint now = steady_clock::now();
  bool silent = false;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    CallPtr call = deadlines_.begin()->second;
    auto in_queue = std::find(waiting_.begin(), waiting_.end(), call);
    if (in_queue != waiting_.end()) {
      waiting_.erase(in_queue);
      Answer(call, Error(ErrorCode::kQUEUE_UNAVAILABLE,
                         fmt::format("{}: no connection within the command's time, nothing was "
                                     "sent; last error: {}",
                                     DisplayName(options_),
                                     last_error_.ok() ? "none" : Std(last_error_.message()))));
      continue;
    }
    // Not one byte since this command was called: the connection is dead without having said so.
    silent = silent || last_progress_ <= call->begun ||
             now - last_progress_ >= call->deadline - call->begun;
    Answer(call, Error(ErrorCode::kQUEUE_UNAVAILABLE,
                       fmt::format("{}: no reply within the command's time, it may still be "
                                   "executed",
                                   DisplayName(options_))));
  }
  if (silent && stream_ != nullptr) GiveUp("no reply within a command's time");
  ArmDeadlines();
}

asio::awaitable<void> RedisChannel::Sleep(std::chrono::milliseconds pause) {
  asio::steady_timer timer(strand_, pause);
  co_await timer.async_wait(kNoThrow);
}

}  // namespace penstock
