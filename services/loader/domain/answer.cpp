#include "services/loader/domain/answer.h"

#include <algorithm>

#include "services/common/core/utf8.h"

namespace penstock::loader {
namespace {

ErrorCode CodeOf(Reply reply) {
  switch (reply) {
    case Reply::kExists:
      return ErrorCode::kDESTINATION_CONFLICT;
    case Reply::kNotFound:
      return ErrorCode::kDESTINATION_NOT_FOUND;
    case Reply::kNone:
      return ErrorCode::kDESTINATION_BAD_ANSWER;
    default:
      return ErrorCode::kDESTINATION_REJECTED;
  }
}

}  // namespace

RecordResult Rejected(ErrorCode code, std::string message) {
  return {RecordFate::kRejected, SkipReason::kNone, code, std::move(message)};
}

RecordResult Settled(Operation operation, Reply reply, std::string message) {
  const RecordRule& rule = RuleFor(operation, reply);
  switch (rule.outcome) {
    case Outcome::kDelivered:
      return {RecordFate::kDelivered, SkipReason::kNone, {}, {}};
    case Outcome::kUnchanged:
      return {RecordFate::kUnchanged, SkipReason::kNone, {}, {}};
    case Outcome::kSkipped:
      return {RecordFate::kSkipped, rule.skip, CodeOf(reply), std::move(message)};
    case Outcome::kRejected:
      return Rejected(CodeOf(reply), std::move(message));
    case Outcome::kPending:
    case Outcome::kUnknown:
      break;
  }
  return {RecordFate::kUnanswered, SkipReason::kNone, CodeOf(reply), std::move(message)};
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
