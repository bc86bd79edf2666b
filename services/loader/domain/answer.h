#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/core/clock.h"
#include "services/common/core/error_codes.h"
#include "services/common/model/operation.h"
#include "services/common/model/outcome.h"
#include "services/common/model/record_rules.h"

// What became of one attempt to send some records: the shape in which every kind of destination
// says it, and in which lanes and outcomes take it.
namespace penstock::loader {

// The longest vendor text that is kept of an error, in bytes.
inline constexpr size_t kMaxMessageBytes = 500;

enum class RecordFate : uint8_t {
  kDelivered,
  kUnchanged,
  kSkipped,     // with a SkipReason
  kRejected,    // final, with code and message
  kRetryable,   // answered: not applied, worth another attempt
  kUnanswered,  // may or may not be applied
};

struct RecordResult {
  RecordFate fate = RecordFate::kUnanswered;
  SkipReason skip = SkipReason::kNone;
  ErrorCode code = ErrorCode::kINTERNAL;  // of kRejected, kRetryable, kUnanswered
  std::string message;                    // at most kMaxMessageBytes
};

enum class Verdict : uint8_t {
  kRecords,          // each record has its own result
  kRefused,          // answered for the request as a whole; a part of it may pass: halve
  kRateLimited,      // too many requests
  kUnauthenticated,  // 401, 403: the credentials are at fault, not the records
  kFailed,           // the destination failed as a whole: 5xx, a timeout, no connection, nonsense
  kNotAllowed,       // the grant ended before anything was sent
};

struct Answer {
  Verdict verdict = Verdict::kFailed;
  // False: some of the request may have been applied. Always true for kRecords, whose records say
  // it one by one.
  bool answered = false;
  ErrorCode code = ErrorCode::kINTERNAL;  // of all but kRecords
  std::string message;
  std::optional<Duration> retry_after;  // what the destination asks to wait, whatever the verdict
  std::vector<RecordResult> records;    // kRecords: one per record sent, in that order
  // kRefused: what it means for a record that was alone in the request.
  RecordResult alone;
  uint64_t sent_bytes = 0;  // of the body that was sent, before compression
};

// What a reply means for the record, by the table of record_rules.h. The message is kept where the
// record is not settled as it should be.
RecordResult Settled(Operation operation, Reply reply, std::string message = {});
RecordResult Rejected(ErrorCode code, std::string message);

// Cut to kMaxMessageBytes at a character's border, control characters made spaces.
std::string BoundMessage(std::string_view text);

// An answer in which every record got `result`.
Answer ForAll(size_t records, const RecordResult& result);

}  // namespace penstock::loader
