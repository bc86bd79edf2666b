#include "services/state/domain/settlement.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/common/core/status.h"

namespace penstock::state {
namespace {

Outcome OutcomeOf(char packed) {
  return penstock::OutcomeOf(static_cast<uint8_t>(packed));
}

}  // namespace

OutcomeCounts CountOutcomes(std::string_view outcomes) {
  OutcomeCounts counts;
  for (char packed : outcomes) ++counts.by_outcome[static_cast<size_t>(OutcomeOf(packed))];
  return counts;
}

absl::StatusOr<Settlement> Settle(std::string_view outcomes, std::string_view unanswered,
                                  std::string_view reported, std::string_view reported_unanswered) {
  if (reported.size() != outcomes.size() || reported_unanswered.size() != unanswered.size()) {
    return Error(
        ErrorCode::kINVALID_REQUEST,
        absl::StrCat("a report of ", reported.size(), " records for a batch of ", outcomes.size()));
  }
  Settlement out{.outcomes = std::string(outcomes), .unanswered = std::string(unanswered)};
  for (size_t i = 0; i < reported.size(); ++i) {
    if (OutcomeOf(outcomes[i]) != Outcome::kPending || OutcomeOf(reported[i]) == Outcome::kPending)
      continue;
    out.outcomes[i] = reported[i];
    ++out.added.by_outcome[static_cast<size_t>(OutcomeOf(reported[i]))];
  }
  for (size_t i = 0; i < unanswered.size(); ++i) {
    out.unanswered[i] = static_cast<char>(out.unanswered[i] | reported_unanswered[i]);
  }
  out.settled = std::none_of(out.outcomes.begin(), out.outcomes.end(),
                             [](char packed) { return OutcomeOf(packed) == Outcome::kPending; });
  out.all_answered = std::all_of(out.unanswered.begin(), out.unanswered.end(),
                                 [](char bits) { return bits == 0; });
  return out;
}

std::string UnansweredAfterLoss(std::string_view outcomes, std::string_view unanswered) {
  std::string out(unanswered);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    if (OutcomeOf(outcomes[i]) == Outcome::kPending)
      out[i / 8] = static_cast<char>(out[i / 8] | 1 << (i % 8));
  }
  return out;
}

}  // namespace penstock::state
