#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/redis/redis_client.h"

namespace penstock {

// At most `requests` in any window of `per`, of one name ("burst", "daily").
struct QuotaWindow {
  std::string name;
  int64_t requests = 0;
  std::chrono::milliseconds per{0};
};

// At most `slots` attempts under way at once, of one name.
struct QuotaSlots {
  std::string name;
  int64_t slots = 0;
};

struct QuotaLease {
  int64_t tokens = 0;                 // attempts that may be made now
  std::chrono::milliseconds wait{0};  // when there are none: ask again after it
  std::string used_up = {};           // … and where it is known, the window that has none
  std::vector<double> used = {};      // of each window, the part of it that is used up now: 0 to 1
};

// Quotas of accounts, held in Redis over all loaders: no window of `per` ever holds more than
// `requests` attempts. Each window is a virtual clock (GCRA) that starts with an allowance of one
// block and gains at (requests - block) / per, so that block + gain of a whole window stays within
// the quota. Tokens are leased in blocks of at most a second's worth. Slots are sets of holders,
// each of whom is forgotten when it does not come back in time.
class QuotaClient {
 public:
  QuotaClient(RedisClient& redis, std::string prefix) : redis_(redis), prefix_(std::move(prefix)) {}

  // Leases up to `want` tokens of every window of the account, all or nothing.
  asio::awaitable<absl::StatusOr<QuotaLease>> Lease(std::string_view account,
                                                    const std::vector<QuotaWindow>& windows,
                                                    int64_t want);
  // Takes nothing from the account before `wait` is over: the destination said so.
  asio::awaitable<absl::Status> Pause(std::string_view account,
                                      const std::vector<QuotaWindow>& windows,
                                      std::chrono::milliseconds wait);

  // Takes a slot of every name, all or none, for at most so long. False: some name has none free.
  // `holder` is nobody else's.
  asio::awaitable<absl::StatusOr<bool>> TakeSlots(std::string_view account,
                                                  const std::vector<QuotaSlots>& limits,
                                                  std::string_view holder,
                                                  std::chrono::milliseconds length);
  asio::awaitable<absl::Status> ReturnSlots(std::string_view account,
                                            const std::vector<QuotaSlots>& limits,
                                            std::string_view holder);

 private:
  std::string Key(std::string_view account, std::string_view window) const;
  std::vector<std::string> SlotKeys(std::string_view account,
                                    const std::vector<QuotaSlots>& limits) const;

  RedisClient& redis_;
  const std::string prefix_;
};

// The block of a window: a second's worth of requests, at least one, at most half of the quota.
int64_t QuotaBlock(const QuotaWindow& window);

}  // namespace penstock
