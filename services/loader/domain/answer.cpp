#include "services/loader/domain/answer.h"

#include <algorithm>

#include "services/common/core/utf8.h"

namespace penstock::loader {

RecordResult Rejected(ErrorCode code, std::string message) {
  return {RecordFate::kRejected, SkipReason::kNone, code, std::move(message)};
}

RecordResult Exists(Operation operation, std::string message) {
  if (operation == Operation::kInsert) return {RecordFate::kSkipped, SkipReason::kExists, {}, {}};
  return Rejected(ErrorCode::kDESTINATION_CONFLICT, std::move(message));
}

RecordResult NotFound(Operation operation, std::string message) {
  if (operation == Operation::kRemove) return {RecordFate::kUnchanged, SkipReason::kNone, {}, {}};
  if (operation == Operation::kUpdate) {
    return {RecordFate::kSkipped, SkipReason::kNotFound, ErrorCode::kDESTINATION_NOT_FOUND,
            std::move(message)};
  }
  return Rejected(ErrorCode::kDESTINATION_NOT_FOUND, std::move(message));
}

std::string BoundMessage(std::string_view text) {
  // A little more than will be kept, so that what is cut off in the middle of a character goes too.
  const std::string clean = CleanText(text.substr(0, kMaxMessageBytes + 4));
  std::string out(ClipText(clean, kMaxMessageBytes));
  std::replace_if(
      out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return out;
}

Answer ForAll(size_t records, const RecordResult& result) {
  Answer answer;
  answer.verdict = Verdict::kRecords;
  answer.answered = true;
  answer.records.assign(records, result);
  return answer;
}

}  // namespace penstock::loader
