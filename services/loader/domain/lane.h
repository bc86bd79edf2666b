#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>

#include "services/common/core/clock.h"
#include "services/common/core/random.h"
#include "services/common/flow/adaptive_concurrency.h"
#include "services/common/flow/backoff.h"
#include "services/common/flow/circuit_breaker.h"
#include "services/common/flow/retry_budget.h"
#include "services/loader/domain/answer.h"

// A lane: all requests of one account to one group of endpoints. It decides which request may start
// now and what a failure means for the lane as a whole. From outside in: breaker and deadline, the
// retry scheduler (a request that waits holds nothing), quota (paid per attempt), adaptive
// concurrency; the caller then asks for the grant and makes the attempt.
//
// It does no I/O: the caller asks Next() after every event until it says to wait, does what it is
// told, and tells what came of it. Thread-confined.
namespace penstock::loader {

using JobId = uint64_t;

// One request that wants to be sent, again and again until it is removed.
struct LaneJob {
  JobId id = 0;
  uint32_t records = 0;
  BootTime give_up_at = BootTime::max();
};

// What keeps requests that wait from starting.
enum class HeldBy : uint8_t { kQuota, kConcurrency, kBreaker, kDestination };

enum class ParkReason : uint8_t { kQuota, kDestinationDown, kUserMustFix };

// What Next() tells to do.
struct LaneStart {  // ask for the grant, make the attempt, call Finish or Abandon
  JobId id = 0;
};
struct LaneTakeQuota {  // take up to so many of the account's tokens, call QuotaTaken or
                        // QuotaRefused
  uint32_t attempts = 0;
};
struct LaneRefreshCredentials {};  // read them again, call CredentialsRefreshed
struct LaneExpired {               // its time is over; the lane has forgotten it
  JobId id = 0;
};
struct LanePark {  // park the account's runs; the lane starts nothing until Resume()
  ParkReason reason = ParkReason::kQuota;
  std::optional<Duration> wait;  // absent: until a person has acted
  ErrorCode code = ErrorCode::kINTERNAL;
  std::string message;
};
struct LaneWait {
  std::optional<BootTime> until;  // absent: until the next event
};
using LaneStep =
    std::variant<LaneStart, LaneTakeQuota, LaneRefreshCredentials, LaneExpired, LanePark, LaneWait>;

struct LaneOptions {
  AdaptiveConcurrencyOptions concurrency;
  CircuitBreakerOptions breaker;
  BackoffOptions backoff;
  Duration park_after_failing = std::chrono::minutes(5);  // without a single answer between
  Duration park_for = std::chrono::minutes(5);            // of a destination that is down
  bool has_quota = true;                                  // false: no tokens are asked for
  uint32_t quota_block = 10;                              // the most tokens asked for at once
};

class Lane {
 public:
  Lane(const LaneOptions& options, const Clock& clock, Random& random);

  void Add(const LaneJob& job);
  // After Finish: the job wants another attempt, with that many of its records, after a back-off.
  void Retry(JobId id, uint32_t records);
  // The job is settled, or its batch is gone. Not for one whose attempt is under way.
  void Remove(JobId id);

  LaneStep Next();

  // The attempt ended. True: this failure uses up one of the request's attempts, for others of the
  // lane passed since its last one; while the lane fails as a whole no request is blamed.
  bool Finish(JobId id, const Answer& answer);
  // The attempt was not made (no grant): what it took is given back and it starts again at once.
  void Abandon(JobId id);

  void QuotaTaken(uint32_t attempts, BootTime valid_until);
  void QuotaRefused(BootTime until);
  // The account's quota is used up for longer than anything may wait here.
  void QuotaExhausted(Duration wait, std::string message);
  void CredentialsRefreshed();
  // The account was resumed.
  void Resume();

  // For metrics.
  uint32_t limit() const { return concurrency_.limit(); }
  uint32_t in_flight() const { return static_cast<uint32_t>(flights_.size()); }
  Duration round_trip() const { return concurrency_.round_trip(); }
  size_t waiting() const { return jobs_.size() - flights_.size(); }
  uint64_t active_retries() const { return budget_.active(); }
  uint64_t retry_overflows() const { return retry_overflows_; }
  CircuitBreaker::State breaker_state() const { return breaker_.state(clock_.Boot()); }
  bool parked() const { return parked_.has_value(); }
  // Nothing when no request waits, or only for its own back-off.
  std::optional<HeldBy> held_by() const;

 private:
  struct Job {
    uint32_t records = 0;
    BootTime give_up_at;
    uint64_t seen_passes = 0;  // of the lane, at the last failure that was looked at
    uint32_t tries = 0;
  };
  struct Flight {
    AdaptiveConcurrency::Permit permit;
    CircuitBreaker::Pass pass;
    std::optional<RetryBudget::Slot> retry;
    uint64_t credentials = 0;
  };
  struct Candidate {
    JobId id = 0;
    bool retry = false;
  };

  std::optional<LaneStep> Blocked(BootTime now) const;
  std::optional<Candidate> Choose(BootTime now);
  LaneStep Start(const Candidate& candidate, BootTime now);
  void Dequeue(JobId id);
  void FeedConcurrency(Flight& flight, const Job& job, const Answer& answer, BootTime now);
  void FeedBreaker(Flight& flight, const Answer& answer, BootTime now);
  void HeedRetryAfter(const Answer& answer, BootTime now);
  void HeedCredentials(const Flight& flight, const Answer& answer);
  void Park(ParkReason reason, std::optional<Duration> wait, const Answer& answer);

  LaneOptions options_;
  const Clock& clock_;
  Random& random_;
  AdaptiveConcurrency concurrency_;
  CircuitBreaker breaker_;
  RetryBudget budget_;

  std::unordered_map<JobId, Job> jobs_;
  std::deque<JobId> fresh_;
  std::multimap<BootTime, JobId> retries_;  // by the time at which they may start
  std::unordered_map<JobId, Flight> flights_;

  uint32_t tokens_ = 0;
  BootTime tokens_valid_until_{}, quota_refused_until_{};
  bool asking_quota_ = false;
  BootTime paused_until_{};
  uint32_t rate_limits_in_row_ = 0;
  uint64_t passes_ = 0;  // attempts that the destination answered
  std::optional<BootTime> failing_since_;
  uint32_t usual_size_class_ = 0;
  uint32_t unusual_in_row_ = 0;
  uint64_t credentials_ = 1;            // the generation in use
  uint64_t refreshed_credentials_ = 0;  // the generation refreshed to, until an answer came with it
  bool needs_refresh_ = false, refreshing_ = false;
  std::optional<LanePark> parked_;
  bool park_told_ = false;
  uint64_t retry_overflows_ = 0;
};

}  // namespace penstock::loader
