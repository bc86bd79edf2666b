#include "services/loader/domain/lane.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace penstock::loader {
namespace {

// So many requests of another size in a row make theirs the usual one.
constexpr uint32_t kUnusualInRow = 20;

// The destination showed that it is there and handles requests.
bool Passed(Verdict verdict) {
  return verdict == Verdict::kRecords || verdict == Verdict::kRefused;
}

}  // namespace

Lane::Lane(const LaneOptions& options, const Clock& clock, Random& random)
    : options_(options),
      clock_(clock),
      random_(random),
      concurrency_(options.concurrency),
      breaker_(options.breaker) {}

void Lane::Add(const LaneJob& job) {
  jobs_[job.id] = Job{job.records, job.give_up_at, passes_, 0};
  fresh_.push_back(job.id);
}

void Lane::Retry(JobId id, uint32_t records) {
  Job& job = jobs_.at(id);
  job.records = records;
  retries_.emplace(clock_.Boot() + FullJitter(job.tries++, random_, options_.backoff), id);
}

void Lane::Remove(JobId id) {
  Dequeue(id);
  jobs_.erase(id);
}

void Lane::Dequeue(JobId id) {
  std::erase(fresh_, id);
  std::erase_if(retries_, [id](const auto& entry) { return entry.second == id; });
}

LaneStep Lane::Next() {
  const BootTime now = clock_.Boot();
  if (parked_) {
    if (std::exchange(park_told_, true)) return LaneWait{};
    return *parked_;
  }
  if (needs_refresh_ && !refreshing_) {
    refreshing_ = true;
    return LaneRefreshCredentials{};
  }
  if (auto step = Blocked(now)) return *step;
  const std::optional<Candidate> candidate = Choose(now);
  if (!candidate) {
    const bool later = !retries_.empty() && retries_.begin()->first > now;
    return LaneWait{later ? std::optional(retries_.begin()->first) : std::nullopt};
  }
  if (jobs_.at(candidate->id).give_up_at <= now) {
    Remove(candidate->id);
    return LaneExpired{candidate->id};
  }
  if (!concurrency_.HasRoom()) return LaneWait{};
  if (options_.has_quota && (tokens_ == 0 || tokens_valid_until_ <= now)) {
    if (quota_refused_until_ > now) return LaneWait{quota_refused_until_};
    if (std::exchange(asking_quota_, true)) return LaneWait{};
    const uint64_t room = concurrency_.limit() - concurrency_.in_flight();
    const uint64_t wanted = std::min<uint64_t>({waiting(), room, options_.quota_block});
    return LaneTakeQuota{static_cast<uint32_t>(wanted)};
  }
  return Start(*candidate, now);
}

std::optional<HeldBy> Lane::held_by() const {
  const BootTime now = clock_.Boot();
  const bool retry_due = !retries_.empty() && retries_.begin()->first <= now;
  if (parked_ || (fresh_.empty() && !retry_due)) return std::nullopt;
  if (paused_until_ > now) return HeldBy::kDestination;
  if (!breaker_.WouldPass(now)) return HeldBy::kBreaker;
  if (!concurrency_.HasRoom()) return HeldBy::kConcurrency;
  if (quota_refused_until_ > now) return HeldBy::kQuota;
  return std::nullopt;
}

std::optional<LaneStep> Lane::Blocked(BootTime now) const {
  if (refreshing_) return LaneWait{};
  if (paused_until_ > now) return LaneWait{paused_until_};
  if (!breaker_.WouldPass(now)) {
    const auto until = breaker_.OpenUntil();
    return LaneWait{until && *until > now ? until : std::nullopt};
  }
  return std::nullopt;
}

std::optional<Lane::Candidate> Lane::Choose(BootTime now) {
  if (!retries_.empty() && retries_.begin()->first <= now) {
    if (budget_.HasRoom(flights_.size(), waiting()))
      return Candidate{retries_.begin()->second, true};
    ++retry_overflows_;
  }
  if (!fresh_.empty()) return Candidate{fresh_.front(), false};
  return std::nullopt;
}

LaneStep Lane::Start(const Candidate& candidate, BootTime now) {
  std::optional<RetryBudget::Slot> slot;
  if (candidate.retry) {
    slot = budget_.TryTake(flights_.size(), waiting());
    retries_.erase(retries_.begin());
  } else {
    fresh_.pop_front();
  }
  if (options_.has_quota) --tokens_;
  flights_.emplace(candidate.id, Flight{*concurrency_.TryAcquire(now), *breaker_.TryPass(now),
                                        std::move(slot), credentials_});
  return LaneStart{candidate.id};
}

bool Lane::Finish(JobId id, const Answer& answer) {
  const BootTime now = clock_.Boot();
  auto node = flights_.extract(id);
  Flight& flight = node.mapped();
  Job& job = jobs_.at(id);

  FeedConcurrency(flight, job, answer, now);
  FeedBreaker(flight, answer, now);
  HeedRetryAfter(answer, now);
  HeedCredentials(flight, answer);

  bool counts = false;
  if (Passed(answer.verdict)) {
    ++passes_;
    failing_since_.reset();
    rate_limits_in_row_ = 0;
  } else if (answer.verdict == Verdict::kFailed) {
    counts = passes_ > job.seen_passes;
    if (!failing_since_) failing_since_ = now;
    if (now - *failing_since_ >= options_.park_after_failing) {
      Park(ParkReason::kDestinationDown, options_.park_for, answer);
    }
  }
  job.seen_passes = passes_;
  return counts;
}

void Lane::Abandon(JobId id) {
  flights_.erase(id);
  if (options_.has_quota) ++tokens_;
  fresh_.push_front(id);
}

// A round trip says how busy the destination is only when compared with requests of its kind: one
// record is answered sooner than a thousand.
void Lane::FeedConcurrency(Flight& flight, const Job& job, const Answer& answer, BootTime now) {
  if (answer.verdict == Verdict::kRateLimited || answer.verdict == Verdict::kFailed) {
    flight.permit.Finish(LoadSignal::kBackPressure, now);
    return;
  }
  const auto size_class = static_cast<uint32_t>(std::bit_width(job.records));
  const bool usual = size_class == usual_size_class_ || size_class + 1 == usual_size_class_;
  unusual_in_row_ = usual ? 0 : unusual_in_row_ + 1;
  if (size_class > usual_size_class_ || unusual_in_row_ > kUnusualInRow) {
    usual_size_class_ = size_class;
    unusual_in_row_ = 0;
    concurrency_.ForgetRoundTrips();
  }
  const bool tells = answer.verdict == Verdict::kRecords && (usual || unusual_in_row_ == 0);
  flight.permit.Finish(tells ? LoadSignal::kOk : LoadSignal::kNeutral, now);
}

void Lane::FeedBreaker(Flight& flight, const Answer& answer, BootTime now) {
  if (answer.verdict == Verdict::kFailed) {
    flight.pass.Failed(now);
  } else if (answer.verdict != Verdict::kNotAllowed) {
    flight.pass.Succeeded(now);
  }
}

void Lane::HeedRetryAfter(const Answer& answer, BootTime now) {
  std::optional<Duration> pause;
  if (answer.retry_after && !Passed(answer.verdict)) {
    pause = SpreadRetryAfter(*answer.retry_after, random_);
  } else if (answer.verdict == Verdict::kRateLimited) {
    pause = FullJitter(rate_limits_in_row_, random_, options_.backoff);
  }
  if (answer.verdict == Verdict::kRateLimited) ++rate_limits_in_row_;
  if (!pause) return;
  if (answer.retry_after && *answer.retry_after > kLongestPause) {
    Park(ParkReason::kQuota, pause, answer);
  } else {
    paused_until_ = std::max(paused_until_, now + *pause);
  }
}

// The first 401 makes the credentials be read again; one more with the new ones is for a person.
// Attempts that left with the old ones say nothing.
void Lane::HeedCredentials(const Flight& flight, const Answer& answer) {
  if (Passed(answer.verdict)) {
    if (flight.credentials == refreshed_credentials_) refreshed_credentials_ = 0;
    return;
  }
  if (answer.verdict != Verdict::kUnauthenticated || flight.credentials != credentials_) return;
  if (refreshed_credentials_ == credentials_) {
    Park(ParkReason::kUserMustFix, std::nullopt, answer);
  } else {
    needs_refresh_ = true;
  }
}

void Lane::Park(ParkReason reason, std::optional<Duration> wait, const Answer& answer) {
  if (parked_) return;
  parked_ = LanePark{reason, wait, answer.code, answer.message};
  park_told_ = false;
}

void Lane::QuotaTaken(uint32_t attempts, BootTime valid_until) {
  asking_quota_ = false;
  tokens_ = attempts;
  tokens_valid_until_ = valid_until;
}

void Lane::QuotaRefused(BootTime until) {
  asking_quota_ = false;
  quota_refused_until_ = until;
}

void Lane::QuotaExhausted(Duration wait, std::string message) {
  asking_quota_ = false;
  Park(ParkReason::kQuota, wait,
       {.code = ErrorCode::kDESTINATION_RATE_LIMITED, .message = std::move(message)});
}

void Lane::CredentialsRefreshed() {
  needs_refresh_ = refreshing_ = false;
  refreshed_credentials_ = ++credentials_;
}

void Lane::Resume() {
  parked_.reset();
  failing_since_.reset();
  refreshed_credentials_ = 0;
  paused_until_ = BootTime{};
}

}  // namespace penstock::loader
