#include "services/common/queue/work_queue.h"

#include <array>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/common/core/random.h"
#include "services/common/core/status.h"
#include "services/common/redis/redis_errors.h"
#include "services/common/redis/redis_script.h"

namespace penstock {
namespace {

constexpr std::string_view kGroup = "loaders";

// Opens a stream once: the group makes it, and a mark tells a stream that is empty from one that is
// gone. KEYS: stream, streams · ARGV: group, member
const RedisScript kOpen(R"lua(
if redis.call('SISMEMBER', KEYS[2], ARGV[2]) == 0 or redis.call('EXISTS', KEYS[1]) == 0 then
  if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM') end
  redis.call('SADD', KEYS[2], ARGV[2])
end
return 1)lua");

// A destination's share is divided over its streams with a backlog, so that a huge sync leaves room
// for a small one. Of the total a destination may hold as much as it leaves free: so one alone gets
// half, and dead ones together never keep a healthy one from its part. A stream that holds nothing
// may always have one batch. KEYS:
// stream, streams, ready, ready of destination, credit hash, wake · ARGV: member, destination,
// body, destination limit, total limit
const RedisScript kPush(R"lua(
if redis.call('SISMEMBER', KEYS[2], ARGV[1]) == 0 or redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
local n = #ARGV[3]
local of_stream = tonumber(redis.call('HGET', KEYS[5], 's:' .. ARGV[1]) or '0')
local of_destination = tonumber(redis.call('HGET', KEYS[5], 'd:' .. ARGV[2]) or '0')
local total = tonumber(redis.call('HGET', KEYS[5], 'total') or '0')
local sharers = redis.call('SCARD', KEYS[4])
if redis.call('SISMEMBER', KEYS[4], ARGV[1]) == 0 then sharers = sharers + 1 end
if of_stream > 0 and of_stream + n > tonumber(ARGV[4]) / sharers then return 0 end
if of_stream > 0 and of_destination + total + n > tonumber(ARGV[5]) then return 0 end
redis.call('XADD', KEYS[1], '*', 'b', ARGV[3])
redis.call('HINCRBY', KEYS[5], 's:' .. ARGV[1], n)
redis.call('HINCRBY', KEYS[5], 'd:' .. ARGV[2], n)
redis.call('HINCRBY', KEYS[5], 'total', n)
redis.call('SADD', KEYS[4], ARGV[1])
redis.call('SADD', KEYS[3], ARGV[2])
redis.call('XADD', KEYS[6], 'MAXLEN', '~', '16', '*', 'd', ARGV[2])
return 1)lua");

// KEYS: stream, ready, ready of destination, credit hash · ARGV: member, destination, group, entry,
// bytes
const RedisScript kSettle(R"lua(
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('XACK', KEYS[1], ARGV[3], ARGV[4])
if redis.call('XDEL', KEYS[1], ARGV[4]) == 1 then
  redis.call('HINCRBY', KEYS[4], 's:' .. ARGV[1], -ARGV[5])
  redis.call('HINCRBY', KEYS[4], 'd:' .. ARGV[2], -ARGV[5])
  redis.call('HINCRBY', KEYS[4], 'total', -ARGV[5])
end
if redis.call('XLEN', KEYS[1]) == 0 then
  redis.call('SREM', KEYS[3], ARGV[1])
  if redis.call('SCARD', KEYS[3]) == 0 then redis.call('SREM', KEYS[2], ARGV[2]) end
end
return 1)lua");

// KEYS: stream, streams, ready, ready of destination, credit hash · ARGV: member, destination
const RedisScript kClose(R"lua(
redis.call('DEL', KEYS[1])
redis.call('SREM', KEYS[2], ARGV[1])
redis.call('SREM', KEYS[4], ARGV[1])
if redis.call('SCARD', KEYS[4]) == 0 then redis.call('SREM', KEYS[3], ARGV[2]) end
local of_stream = tonumber(redis.call('HGET', KEYS[5], 's:' .. ARGV[1]) or '0')
redis.call('HDEL', KEYS[5], 's:' .. ARGV[1])
if of_stream ~= 0 then
  redis.call('HINCRBY', KEYS[5], 'd:' .. ARGV[2], -of_stream)
  redis.call('HINCRBY', KEYS[5], 'total', -of_stream)
end
return 1)lua");

// An error reply is Redis' word against us; what the whole server says (full, loading) has its own
// code.
absl::Status Judge(const RedisReply& reply) {
  if (!reply.IsError()) return absl::OkStatus();
  PENSTOCK_RETURN_IF_ERROR(ServerCondition(reply));
  return Error(ErrorCode::kQUEUE_UNAVAILABLE, absl::StrCat("Redis answered: ", reply.text));
}

// `keys` and `args` are encoded before the call returns.
template <size_t Keys, size_t Args>
asio::awaitable<absl::StatusOr<int64_t>> Call(const RedisScript& script, RedisClient& redis,
                                              const std::array<std::string, Keys>& keys,
                                              const std::array<std::string_view, Args>& args) {
  std::array<std::string_view, Keys> views;
  for (size_t i = 0; i < Keys; ++i) views[i] = keys[i];
  PENSTOCK_CO_ASSIGN_OR_RETURN(const RedisReply reply, co_await script.Call(redis, views, args));
  PENSTOCK_CO_RETURN_IF_ERROR(Judge(reply));
  co_return reply.integer;
}

// Entries of a stream's answer: [[id, ["b", body]], …]; entries that were deleted meanwhile are nil
// and left out.
std::vector<TakenBatch> Entries(RedisReply& list) {
  std::vector<TakenBatch> out;
  for (RedisReply& entry : list.array) {
    if (entry.array.size() != 2 || entry.array[1].array.size() != 2) continue;
    out.push_back({std::move(entry.array[0].text), std::move(entry.array[1].array[1].text)});
  }
  return out;
}

std::vector<StreamId> Streams(const RedisReply& members) {
  std::vector<StreamId> out;
  for (const RedisReply& member : members.array) {
    if (auto stream = StreamId::Parse(member.text); stream.ok()) out.push_back(*std::move(stream));
  }
  return out;
}

}  // namespace

std::string StreamId::ToString() const {
  return absl::StrCat(destination, "/", run.ToString(), "/", read, "/", sync);
}

absl::StatusOr<StreamId> StreamId::Parse(std::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(Absl(text), '/');
  StreamId stream;
  const auto run = parts.size() == 4 ? Uuid::Parse(parts[1]) : absl::InvalidArgumentError("");
  if (!run.ok() || !absl::SimpleAtoi(parts[2], &stream.read)) {
    return Error(ErrorCode::kDATA_CORRUPT,
                 absl::StrCat("\"", Absl(text), "\" names no stream of batches"));
  }
  stream.run = *run;
  stream.destination = parts[0];
  stream.sync = parts[3];
  return stream;
}

WorkQueue::WorkQueue(RedisClient& redis, std::string prefix, QueueLimits limits)
    : redis_(redis), prefix_(std::move(prefix)), limits_(limits) {}

std::string WorkQueue::Key(std::string_view name) const {
  return absl::StrCat(prefix_, ":", Absl(name));
}

std::string WorkQueue::LoadKey(const StreamId& stream) const {
  return Key(
      absl::StrCat("load:", stream.destination, ":", stream.run.ToString(), ":", stream.read));
}

asio::awaitable<absl::StatusOr<RedisReply>> WorkQueue::Send(const RedisCommand& command) {
  auto reply = co_await redis_.Send(command);
  if (reply.ok()) PENSTOCK_CO_RETURN_IF_ERROR(Judge(*reply));
  co_return reply;
}

WorkQueue::Async<std::string> WorkQueue::Incarnation() {
  const std::string key = Key("inc");
  const std::string fresh = Uuid::V7(Clock::System().Wall(), Random::System()).ToString();
  PENSTOCK_CO_ASSIGN_OR_RETURN(const RedisReply set,
                               co_await Send(RedisCommand("SET", key, fresh, "NX", "GET")));
  PENSTOCK_CO_ASSIGN_OR_RETURN(const RedisReply info,
                               co_await Send(RedisCommand("INFO", "server")));
  constexpr std::string_view kRunId = "run_id:";
  const size_t at = info.text.find(kRunId);
  const std::string run_id =
      at == std::string::npos ? "" : info.text.substr(at + kRunId.size(), 40);
  co_return absl::StrCat(set.IsNil() ? fresh : set.text, ".", run_id);
}

asio::awaitable<absl::Status> WorkQueue::PostTicket() {
  // Tickets say nothing but "ask", so more than a few hundred that nobody takes say nothing more.
  constexpr int kMaxTickets = 1000;
  const std::string key = Key("tickets");
  auto reply = co_await Send(RedisCommand("LPUSH", key, "1"));
  if (reply.ok() && reply->integer > kMaxTickets)
    reply = co_await Send(RedisCommand("LTRIM", key, 0, kMaxTickets));
  co_return reply.status();
}

WorkQueue::Async<bool> WorkQueue::TakeTicket(std::chrono::milliseconds block) {
  const std::string key = Key("tickets");
  const std::string seconds = absl::StrCat(static_cast<double>(block.count()) / 1000.0);
  PENSTOCK_CO_ASSIGN_OR_RETURN(
      const RedisReply reply,
      co_await redis_.SendBlocking(RedisCommand("BRPOP", key, seconds), block));
  PENSTOCK_CO_RETURN_IF_ERROR(Judge(reply));
  co_return !reply.IsNil();
}

WorkQueue::Async<int64_t> WorkQueue::Tickets() {
  const std::string key = Key("tickets");
  PENSTOCK_CO_ASSIGN_OR_RETURN(const RedisReply reply, co_await Send(RedisCommand("LLEN", key)));
  co_return reply.integer;
}

asio::awaitable<absl::Status> WorkQueue::Open(const StreamId& stream) {
  const std::string member = stream.ToString();
  const std::array keys = {LoadKey(stream), Key("streams")};
  const std::array args = {kGroup, std::string_view(member)};
  const auto done = co_await Call(kOpen, redis_, keys, args);
  co_return done.status();
}

WorkQueue::Async<WorkQueue::Pushed> WorkQueue::Push(const StreamId& stream, std::string_view body) {
  const std::string member = stream.ToString();
  const std::string of_destination = absl::StrCat(limits_.destination_bytes);
  const std::string total = absl::StrCat(limits_.total_bytes);
  const std::array keys = {LoadKey(stream), Key("streams"),
                           Key("ready"),    Key("ready:" + stream.destination),
                           Key("credit"),   Key("wake")};
  const std::array args = {std::string_view(member), std::string_view(stream.destination), body,
                           std::string_view(of_destination), std::string_view(total)};
  const auto pushed = co_await Call(kPush, redis_, keys, args);
  if (!pushed.ok()) co_return pushed.status();
  co_return *pushed == 1 ? Pushed::kYes : *pushed == 0 ? Pushed::kFull : Pushed::kGone;
}

asio::awaitable<absl::Status> WorkQueue::Close(const StreamId& stream) {
  const std::string member = stream.ToString();
  const std::array keys = {LoadKey(stream), Key("streams"), Key("ready"),
                           Key("ready:" + stream.destination), Key("credit")};
  const std::array args = {std::string_view(member), std::string_view(stream.destination)};
  const auto done = co_await Call(kClose, redis_, keys, args);
  co_return done.status();
}

WorkQueue::Async<std::vector<StreamId>> WorkQueue::OpenStreams() {
  const std::string key = Key("streams");
  PENSTOCK_CO_ASSIGN_OR_RETURN(const RedisReply reply,
                               co_await Send(RedisCommand("SMEMBERS", key)));
  co_return Streams(reply);
}

WorkQueue::Async<std::map<std::string, int64_t>> WorkQueue::BytesByDestination() {
  constexpr std::string_view kDestination = "d:";
  const std::string key = Key("credit");
  PENSTOCK_CO_ASSIGN_OR_RETURN(const RedisReply reply, co_await Send(RedisCommand("HGETALL", key)));
  std::map<std::string, int64_t> bytes;
  for (size_t i = 0; i + 1 < reply.array.size(); i += 2) {
    const std::string_view field = reply.array[i].text;
    int64_t count = 0;
    if (field.starts_with(kDestination) && absl::SimpleAtoi(reply.array[i + 1].text, &count))
      bytes.emplace(field.substr(kDestination.size()), count);
  }
  co_return bytes;
}

WorkQueue::Async<std::optional<int64_t>> WorkQueue::Length(const StreamId& stream) {
  const std::string key = LoadKey(stream);
  PENSTOCK_CO_ASSIGN_OR_RETURN(const RedisReply exists, co_await Send(RedisCommand("EXISTS", key)));
  if (exists.integer == 0) co_return std::nullopt;
  PENSTOCK_CO_ASSIGN_OR_RETURN(const RedisReply length, co_await Send(RedisCommand("XLEN", key)));
  co_return length.integer;
}

WorkQueue::Async<std::vector<StreamId>> WorkQueue::ReadyStreams() {
  const std::string ready = Key("ready");
  PENSTOCK_CO_ASSIGN_OR_RETURN(const RedisReply destinations,
                               co_await Send(RedisCommand("SMEMBERS", ready)));
  std::vector<StreamId> out;
  for (const RedisReply& destination : destinations.array) {
    const std::string key = Key("ready:" + destination.text);
    PENSTOCK_CO_ASSIGN_OR_RETURN(const RedisReply members,
                                 co_await Send(RedisCommand("SMEMBERS", key)));
    for (StreamId& stream : Streams(members)) out.push_back(std::move(stream));
  }
  co_return out;
}

WorkQueue::Async<std::vector<TakenBatch>> WorkQueue::Take(const StreamId& stream,
                                                          std::string_view consumer, int count) {
  const std::string key = LoadKey(stream);
  auto reply = co_await redis_.Send(
      RedisCommand("XREADGROUP", "GROUP", kGroup, consumer, "COUNT", count, "STREAMS", key, ">"));
  if (!reply.ok()) co_return reply.status();
  // The stream was closed meanwhile.
  if (reply->IsError("NOGROUP") || reply->IsNil()) co_return std::vector<TakenBatch>();
  PENSTOCK_CO_RETURN_IF_ERROR(Judge(*reply));
  if (reply->array.empty() || reply->array[0].array.size() != 2)
    co_return std::vector<TakenBatch>();
  co_return Entries(reply->array[0].array[1]);
}

WorkQueue::Async<std::vector<TakenBatch>> WorkQueue::Claim(const StreamId& stream,
                                                           std::string_view consumer,
                                                           std::chrono::milliseconds idle,
                                                           int count) {
  const std::string key = LoadKey(stream);
  auto reply =
      co_await redis_.Send(RedisCommand("XAUTOCLAIM", key, kGroup, consumer,
                                        static_cast<int64_t>(idle.count()), "0", "COUNT", count));
  if (!reply.ok()) co_return reply.status();
  if (reply->IsError("NOGROUP")) co_return std::vector<TakenBatch>();
  PENSTOCK_CO_RETURN_IF_ERROR(Judge(*reply));
  if (reply->array.size() < 2) co_return std::vector<TakenBatch>();
  co_return Entries(reply->array[1]);
}

asio::awaitable<absl::Status> WorkQueue::Touch(const StreamId& stream, std::string_view consumer,
                                               std::string_view entry) {
  const std::string key = LoadKey(stream);
  const auto reply =
      co_await redis_.Send(RedisCommand("XCLAIM", key, kGroup, consumer, 0, entry, "JUSTID"));
  if (reply.ok() && reply->IsError("NOGROUP")) co_return absl::OkStatus();
  co_return reply.ok() ? Judge(*reply) : reply.status();
}

asio::awaitable<absl::Status> WorkQueue::Settle(const StreamId& stream, std::string_view entry,
                                                size_t body_bytes) {
  const std::string member = stream.ToString(), bytes = absl::StrCat(body_bytes);
  const std::array keys = {LoadKey(stream), Key("ready"), Key("ready:" + stream.destination),
                           Key("credit")};
  const std::array args = {std::string_view(member), std::string_view(stream.destination), kGroup,
                           entry, std::string_view(bytes)};
  const auto done = co_await Call(kSettle, redis_, keys, args);
  co_return done.status();
}

WorkQueue::Async<std::string> WorkQueue::WaitForPush(std::string_view last,
                                                     std::chrono::milliseconds block) {
  const std::string key = Key("wake");
  const std::string from(last.empty() ? "$" : last);
  PENSTOCK_CO_ASSIGN_OR_RETURN(
      RedisReply reply, co_await redis_.SendBlocking(
                            RedisCommand("XREAD", "COUNT", 16, "BLOCK",
                                         static_cast<int64_t>(block.count()), "STREAMS", key, from),
                            block));
  PENSTOCK_CO_RETURN_IF_ERROR(Judge(reply));
  if (reply.array.empty() || reply.array[0].array.size() != 2) co_return from;
  const std::vector<RedisReply>& entries = reply.array[0].array[1].array;
  co_return entries.empty() || entries.back().array.empty() ? from : entries.back().array[0].text;
}

}  // namespace penstock
