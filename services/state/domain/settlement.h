#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "services/common/model/outcome.h"

namespace penstock::state {

// How many records have each outcome.
struct OutcomeCounts {
  std::array<int64_t, 6> by_outcome{};  // indexed by Outcome
  int64_t of(Outcome outcome) const { return by_outcome[static_cast<size_t>(outcome)]; }
};

// Counts packed outcomes (docs/formats.md). An unknown outcome's number counts as unknown: it must
// not pass for success.
OutcomeCounts CountOutcomes(std::string_view outcomes);

// A batch's outcomes after a report.
struct Settlement {
  std::string outcomes;
  std::string unanswered;
  OutcomeCounts added;        // records that got their outcome by this report
  bool settled = false;       // every record has one now
  bool all_answered = false;  // no attempt of this batch went unanswered: the grant may close
};

// Adds a report to what is stored: final outcomes stick, unanswered bits only grow.
// INVALID_ARGUMENT when the report's sizes are not those of the batch.
absl::StatusOr<Settlement> Settle(std::string_view outcomes, std::string_view unanswered,
                                  std::string_view reported, std::string_view reported_unanswered);

// The unanswered bits after a grant ended without a report: every record still pending may have
// been sent.
std::string UnansweredAfterLoss(std::string_view outcomes, std::string_view unanswered);

// Bytes of the bits of `records` records.
constexpr size_t BitBytes(size_t records) {
  return (records + 7) / 8;
}

}  // namespace penstock::state
