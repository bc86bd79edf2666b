#include "services/planner/domain/decide.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace penstock::planner {
namespace {

Decision Stop(ErrorCode code, std::string message) {
  return {.event = Event::kStop, .error = code, .message = std::move(message)};
}

bool TooManyRejected(const RunFacts& facts) {
  return facts.settled > facts.max_rejected_min &&
         static_cast<double>(facts.rejected) >
             facts.max_rejected * static_cast<double>(facts.settled);
}

// What an active run needs whatever its phase: stop for a limit or a failure, or read anew for lost
// work.
std::optional<Decision> DecideTrouble(const RunFacts& facts, const Policy& policy) {
  if (TooManyRejected(facts)) {
    return Stop(
        ErrorCode::kMAX_REJECTED_EXCEEDED,
        absl::StrCat(
            facts.rejected, " of ", facts.settled,
            " records were rejected, more than guard.max_rejected allows; see `penstock records`"));
  }
  if (facts.failure.has_value() && !facts.failure->retry)
    return Stop(facts.failure->code, facts.failure->message);
  if (!facts.failure.has_value() && !facts.task_lost && !facts.batches_lost) return std::nullopt;
  // The read that is over now is one more, but for one that settled something: the row then starts
  // anew with the next read.
  if (facts.fruitless_reads + 1 >= policy.max_fruitless_reads) {
    const std::string last =
        facts.failure.has_value() ? facts.failure->message : "its extractor was lost";
    return Stop(
        facts.failure.has_value() ? facts.failure->code : ErrorCode::kREAD_RETRIES_EXHAUSTED,
        absl::StrCat(policy.max_fruitless_reads,
                     " reads in a row delivered nothing; the last one: ", last));
  }
  if (facts.open_grants > 0) return std::nullopt;
  const bool backs_off = facts.failure.has_value() || facts.fruitless_reads > 0;
  return Decision{.event = Event::kNewRead,
                  .wait = backs_off ? ReadBackoff(facts.fruitless_reads, policy) : milliseconds(0)};
}

bool Quiet(const RunFacts& facts) {
  return facts.tasks_done && facts.pending == 0 && facts.open_grants == 0;
}

std::optional<Decision> DecideParked(const RunFacts& facts) {
  if (facts.parked_since > facts.give_up_after) {
    return Stop(
        ErrorCode::kGAVE_UP,
        absl::StrCat(
            "parked for ", facts.parked_since.count() / 1000,
            " s, longer than delivery.give_up_after; trigger it again when the cause is mended"));
  }
  if (facts.park_left > milliseconds(0)) return std::nullopt;
  switch (facts.parked_for) {
    case ParkedFor::kUser:
      return std::nullopt;
    case ParkedFor::kDestinationDown:
      return Decision{.event = Event::kTestDestination};
    default:
      return Decision{.event = Event::kResume};
  }
}

}  // namespace

milliseconds ReadBackoff(int fruitless_reads, const Policy& policy) {
  milliseconds wait = policy.first_backoff;
  for (int i = 0; i < fruitless_reads && wait < policy.last_backoff; ++i) wait *= 2;
  return std::min(wait, policy.last_backoff);
}

std::optional<Decision> Decide(const RunFacts& facts, const Policy& policy) {
  switch (facts.phase) {
    case Phase::kQueued:
      if (facts.may_start) return Decision{.event = Event::kStart};
      return std::nullopt;
    case Phase::kReading:
      return DecideTrouble(facts, policy);
    case Phase::kDelivering:
      if (auto trouble = DecideTrouble(facts, policy)) return trouble;
      if (!Quiet(facts)) return std::nullopt;
      return Decision{.event = facts.may_remove ? Event::kRemove : Event::kFinalize};
    case Phase::kRemoving:
      if (auto trouble = DecideTrouble(facts, policy)) return trouble;
      if (!Quiet(facts)) return std::nullopt;
      return Decision{.event = Event::kFinalize};
    case Phase::kFinalizing:
      return Decision{.event = Event::kFinish};
    case Phase::kCancelling:
      if (facts.open_grants > 0) return std::nullopt;
      return Decision{.event = Event::kStopped};
    case Phase::kParking:
      if (facts.open_grants > 0) return std::nullopt;
      return Decision{.event = Event::kParked};
    case Phase::kParked:
      return DecideParked(facts);
    case Phase::kTerminal:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace penstock::planner
