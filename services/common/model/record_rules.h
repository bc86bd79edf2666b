#pragma once

#include <array>
#include <cstdint>

#include "services/common/model/operation.h"
#include "services/common/model/outcome.h"

// How what a destination says of a record settles it, by what was asked for. One table: loaders
// turn answers into outcomes by it, state folds outcomes into snapshots and deferrals by it, and
// docs/modes.md shows it.
namespace penstock {

// What a destination says of one record.
enum class Reply : uint8_t {
  kTaken,
  kUnchanged,  // it was so already
  kExists,     // it is there already, or in conflict with what is there
  kNotFound,
  kRefused,
  kNone,  // nothing: it may or may not have been taken
};

// What the snapshot holds of the record's key when every attempt was answered. Where one was not,
// kInDoubt takes the place of kOlder.
enum class EntryAfter : uint8_t {
  kRow,      // the record's row, confirmed
  kRemoved,  // the destination has no such record
  kOlder,    // what it held before, with that entry's own doubt
  kInDoubt,  // the record's row, in doubt
};

struct RecordRule {
  Outcome outcome;
  SkipReason skip;
  EntryAfter entry;
  bool deferred;  // while its row stays as it is, the record waits before it is tried again
};

namespace record_rules {

using enum Outcome;
inline constexpr RecordRule kSent{kDelivered, SkipReason::kNone, EntryAfter::kRow, false};
inline constexpr RecordRule kSame{kUnchanged, SkipReason::kNone, EntryAfter::kRow, false};
inline constexpr RecordRule kThere{kSkipped, SkipReason::kExists, EntryAfter::kRow, false};
inline constexpr RecordRule kAway{kSkipped, SkipReason::kNotFound, EntryAfter::kOlder, true};
inline constexpr RecordRule kRefuse{kRejected, SkipReason::kNone, EntryAfter::kOlder, true};
inline constexpr RecordRule kDoubt{kUnknown, SkipReason::kNone, EntryAfter::kInDoubt, false};
inline constexpr RecordRule kErased{kDelivered, SkipReason::kNone, EntryAfter::kRemoved, false};
inline constexpr RecordRule kGone{kUnchanged, SkipReason::kNone, EntryAfter::kRemoved, false};

}  // namespace record_rules

inline constexpr size_t kReplies = 6;
struct OperationRules {
  Operation operation;
  std::array<RecordRule, kReplies> by_reply;
};

// clang-format off
inline constexpr std::array<OperationRules, 5> kRecordRules = [] {
  using namespace record_rules;
  return std::array<OperationRules, 5>{{
      //                     taken    unchanged exists   not found refused  none
      {Operation::kUpsert, {{kSent,   kSame,    kRefuse, kRefuse,  kRefuse, kDoubt}}},
      {Operation::kUpdate, {{kSent,   kSame,    kRefuse, kAway,    kRefuse, kDoubt}}},
      {Operation::kInsert, {{kSent,   kSame,    kThere,  kRefuse,  kRefuse, kDoubt}}},
      {Operation::kAppend, {{kSent,   kSame,    kSame,   kRefuse,  kRefuse, kDoubt}}},
      {Operation::kRemove, {{kErased, kGone,    kRefuse, kGone,    kRefuse, kDoubt}}},
  }};
}();
// clang-format on

// What is forgotten is settled like a removal of what is not there, without asking anybody.
constexpr const std::array<RecordRule, kReplies>& RulesFor(Operation operation) {
  if (operation == Operation::kForget) operation = Operation::kRemove;
  for (const OperationRules& rules : kRecordRules) {
    if (rules.operation == operation) return rules.by_reply;
  }
  return kRecordRules.front().by_reply;  // no other operation exists
}

constexpr const RecordRule& RuleFor(Operation operation, Reply reply) {
  return RulesFor(operation)[static_cast<size_t>(reply)];
}

// The rule that gave a record its packed outcome; nullptr: none did.
constexpr const RecordRule* RuleBehind(Operation operation, uint8_t packed) {
  for (const RecordRule& rule : RulesFor(operation)) {
    if (PackOutcome(rule.outcome, rule.skip) == packed) return &rule;
  }
  return nullptr;
}

}  // namespace penstock
