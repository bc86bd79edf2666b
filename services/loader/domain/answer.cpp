#include "services/loader/domain/answer.h"

#include <algorithm>

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
  size_t end = std::min(text.size(), kMaxMessageBytes);
  // Back to where a character begins, if the cut is inside of one.
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
    --end;
  }
  std::string out(text.substr(0, end));
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
