#include "services/common/queue/quota.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "fmt/format.h"
#include "services/common/core/status.h"
#include "services/common/redis/redis_errors.h"
#include "services/common/redis/redis_script.h"

namespace penstock {
namespace {

// Each key holds the time, in microseconds of Redis' clock, until which its window is used up. A
// stored time is clamped to now + window, so that a clock that was set back can't close a quota for
// longer than its window. Returns the tokens, the milliseconds to wait, and per window the
// thousandths of it that are used up. KEYS: windows · ARGV: want, then per window: block,
// microseconds a token, microseconds of the window
const RedisScript kLease(R"lua(
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local grant = tonumber(ARGV[1])
local wait = 0
local used = {}
for i = 1, #KEYS do
  local block, each, window = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  local at = tonumber(redis.call('GET', KEYS[i]) or '0')
  at = math.min(math.max(at, now), now + window)
  used[i] = at
  local free = math.floor((now + block * each - at) / each + 0.000001)
  if free < 1 then wait = math.max(wait, at + each - now - block * each) end
  grant = math.min(grant, free)
end
local reply = {math.max(grant, 0), grant < 1 and math.ceil(wait / 1000) or 0}
for i = 1, #KEYS do
  local each, window = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  if grant >= 1 then
    used[i] = used[i] + grant * each
    redis.call('SET', KEYS[i], string.format('%.0f', used[i]), 'PX', math.ceil(window / 1000) + 1000)
  end
  reply[2 + i] = math.floor(1000 * (used[i] - now) / window)
end
return reply)lua");

// KEYS: windows · ARGV: microseconds to wait, then per window: block, microseconds a token,
// microseconds of the window
const RedisScript kPause(R"lua(
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
for i = 1, #KEYS do
  local block, each, window = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  local at = math.max(tonumber(redis.call('GET', KEYS[i]) or '0'), now + math.min(tonumber(ARGV[1]) + block * each, window))
  redis.call('SET', KEYS[i], string.format('%.0f', at), 'PX', math.ceil(window / 1000) + 1000)
end
return 1)lua");

// Each key is a sorted set of holders by the time, in microseconds, at which they are forgotten.
// KEYS: sets · ARGV: holder, microseconds to hold, then the size of each set
const RedisScript kTakeSlots(R"lua(
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
for i = 1, #KEYS do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', string.format('%.0f', now))
  local held = redis.call('ZSCORE', KEYS[i], ARGV[1])
  if not held and redis.call('ZCARD', KEYS[i]) >= tonumber(ARGV[2 + i]) then return 0 end
end
for i = 1, #KEYS do
  redis.call('ZADD', KEYS[i], string.format('%.0f', now + ARGV[2]), ARGV[1])
  if redis.call('PTTL', KEYS[i]) < ARGV[2] / 1000 then redis.call('PEXPIRE', KEYS[i], math.ceil(ARGV[2] / 1000) + 1000) end
end
return 1)lua");

// KEYS: sets · ARGV: holder
const RedisScript kReturnSlots(R"lua(
for i = 1, #KEYS do redis.call('ZREM', KEYS[i], ARGV[1]) end
return 1)lua");

// The scripts' arguments: a leading number, then what each window is made of.
std::vector<std::string> Arguments(int64_t first, const std::vector<QuotaWindow>& windows) {
  std::vector<std::string> args = {absl::StrCat(first)};
  for (const QuotaWindow& window : windows) {
    const int64_t block = QuotaBlock(window);
    const int64_t window_us = window.per.count() * 1000;
    // A quota of one is one token a window, without an allowance beside it.
    const double each = static_cast<double>(window_us) /
                        static_cast<double>(std::max<int64_t>(1, window.requests - block));
    args.push_back(absl::StrCat(block));
    args.push_back(fmt::format("{}", each));  // all its digits: StrCat gives six
    args.push_back(absl::StrCat(window_us));
  }
  return args;
}

}  // namespace

int64_t QuotaBlock(const QuotaWindow& window) {
  const int64_t a_second = window.requests * 1000 / std::max<int64_t>(1, window.per.count());
  return std::max<int64_t>(1, std::min(a_second, window.requests / 2));
}

std::string QuotaClient::Key(std::string_view account, std::string_view window) const {
  return absl::StrCat(prefix_, ":quota:", Absl(account), ":", Absl(window));
}

asio::awaitable<absl::StatusOr<QuotaLease>> QuotaClient::Lease(
    std::string_view account, const std::vector<QuotaWindow>& windows, int64_t want) {
  if (windows.empty()) co_return QuotaLease{want, {}};
  std::vector<std::string> keys;
  for (const QuotaWindow& window : windows) keys.push_back(Key(account, window.name));
  const std::vector<std::string> args = Arguments(want, windows);
  const std::vector<std::string_view> key_views(keys.begin(), keys.end()),
      arg_views(args.begin(), args.end());
  PENSTOCK_CO_ASSIGN_OR_RETURN(const RedisReply reply,
                               co_await kLease.Call(redis_, key_views, arg_views));
  if (reply.IsError() || reply.array.size() != 2 + windows.size()) {
    PENSTOCK_CO_RETURN_IF_ERROR(ServerCondition(reply));
    co_return Error(ErrorCode::kQUEUE_UNAVAILABLE,
                    absl::StrCat("the quota's script failed: ", reply.text));
  }
  QuotaLease lease{reply.array[0].integer, std::chrono::milliseconds(reply.array[1].integer)};
  for (size_t i = 2; i < reply.array.size(); ++i)
    lease.used.push_back(std::clamp(static_cast<double>(reply.array[i].integer) / 1000, 0.0, 1.0));
  co_return lease;
}

asio::awaitable<absl::Status> QuotaClient::Pause(std::string_view account,
                                                 const std::vector<QuotaWindow>& windows,
                                                 std::chrono::milliseconds wait) {
  if (windows.empty()) co_return absl::OkStatus();
  std::vector<std::string> keys;
  for (const QuotaWindow& window : windows) keys.push_back(Key(account, window.name));
  const std::vector<std::string> args = Arguments(wait.count() * 1000, windows);
  const std::vector<std::string_view> key_views(keys.begin(), keys.end()),
      arg_views(args.begin(), args.end());
  const auto reply = co_await kPause.Call(redis_, key_views, arg_views);
  if (!reply.ok()) co_return reply.status();
  co_return ServerCondition(*reply);
}

std::vector<std::string> QuotaClient::SlotKeys(std::string_view account,
                                               const std::vector<QuotaSlots>& limits) const {
  std::vector<std::string> keys;
  for (const QuotaSlots& limit : limits) keys.push_back(Key(account, limit.name) + ":slots");
  return keys;
}

asio::awaitable<absl::StatusOr<bool>> QuotaClient::TakeSlots(std::string_view account,
                                                             const std::vector<QuotaSlots>& limits,
                                                             std::string_view holder,
                                                             std::chrono::milliseconds length) {
  if (limits.empty()) co_return true;
  const std::vector<std::string> keys = SlotKeys(account, limits);
  std::vector<std::string> args = {std::string(holder), absl::StrCat(length.count() * 1000)};
  for (const QuotaSlots& limit : limits) args.push_back(absl::StrCat(limit.slots));
  const std::vector<std::string_view> key_views(keys.begin(), keys.end()),
      arg_views(args.begin(), args.end());
  PENSTOCK_CO_ASSIGN_OR_RETURN(const RedisReply reply,
                               co_await kTakeSlots.Call(redis_, key_views, arg_views));
  PENSTOCK_CO_RETURN_IF_ERROR(ServerCondition(reply));
  if (reply.IsError()) {
    co_return Error(ErrorCode::kQUEUE_UNAVAILABLE,
                    absl::StrCat("the script of slots failed: ", reply.text));
  }
  co_return reply.integer == 1;
}

asio::awaitable<absl::Status> QuotaClient::ReturnSlots(std::string_view account,
                                                       const std::vector<QuotaSlots>& limits,
                                                       std::string_view holder) {
  if (limits.empty()) co_return absl::OkStatus();
  const std::vector<std::string> keys = SlotKeys(account, limits);
  const std::vector<std::string_view> key_views(keys.begin(), keys.end()), arg_views = {holder};
  const auto reply = co_await kReturnSlots.Call(redis_, key_views, arg_views);
  if (!reply.ok()) co_return reply.status();
  co_return ServerCondition(*reply);
}

}  // namespace penstock
