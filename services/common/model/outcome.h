#pragma once

#include <cstdint>
#include <string_view>

namespace penstock {

// What became of one record of a batch (docs/formats.md, "Outcomes"). The numbers are stored.
enum class Outcome : uint8_t {
  kPending = 0,    // begun, no outcome yet
  kDelivered = 1,  // the destination said that it took the record
  kUnchanged = 2,  // it already was so; a removal of what is not there
  kSkipped = 3,    // by the mode's rule: update of what is not there, insert of what exists
  kRejected = 4,   // refused for good, with a code and a message
  kUnknown = 5,    // attempts ended without an answer: in doubt
};

std::string_view Name(Outcome outcome);
constexpr bool IsFinal(Outcome o) {
  return o != Outcome::kPending;
}

// Why a skipped record was skipped, since the two reasons settle differently: kNotFound leaves the
// older entry and is deferred, kExists confirms the entry.
enum class SkipReason : uint8_t { kNone = 0, kNotFound = 1, kExists = 2 };

// The byte by which an outcome is stored and sent.
constexpr uint8_t PackOutcome(Outcome outcome, SkipReason reason = SkipReason::kNone) {
  return static_cast<uint8_t>(static_cast<uint8_t>(outcome) | static_cast<uint8_t>(reason) << 4);
}
// An unassigned number reads as kUnknown: a missing result is never a success.
constexpr Outcome OutcomeOf(uint8_t packed) {
  uint8_t value = packed & 0x0F;
  return value <= static_cast<uint8_t>(Outcome::kUnknown) ? static_cast<Outcome>(value)
                                                          : Outcome::kUnknown;
}
constexpr SkipReason SkipReasonOf(uint8_t packed) {
  uint8_t value = (packed >> 4) & 0x03;
  return value <= static_cast<uint8_t>(SkipReason::kExists) ? static_cast<SkipReason>(value)
                                                            : SkipReason::kNone;
}

}  // namespace penstock
