#include "services/loader/destinations/postgres/postgres_answer.h"

#include "fmt/format.h"
#include "services/common/core/status.h"
#include "services/common/pg/pg_errors.h"

namespace penstock::loader {
namespace {

std::string Message(const absl::Status& status) {
  const std::string state = SqlState(status);
  const std::string text(status.message());
  return BoundMessage(state.empty() ? text : fmt::format("{} (SQLSTATE {})", text, state));
}

Answer Make(Verdict verdict, bool answered, ErrorCode code, const absl::Status& status) {
  Answer answer;
  answer.verdict = verdict;
  answer.answered = answered;
  answer.code = code;
  answer.message = Message(status);
  return answer;
}

}  // namespace

Answer AnswerForFailure(const absl::Status& status, size_t records) {
  const std::string state = SqlState(status);
  const std::string kind = state.substr(0, 2);
  if (CommitUnknown(status)) {
    return Make(Verdict::kFailed, false, ErrorCode::kDESTINATION_UNAVAILABLE, status);
  }
  if (CodeOf(status) == ErrorCode::kDESTINATION_REJECTED || kind == "42" || kind == "0A") {
    // The table or the rights do not fit: halving would find every record.
    return ForAll(records, Rejected(state == "42501" ? ErrorCode::kDESTINATION_FORBIDDEN
                                                     : ErrorCode::kDESTINATION_REJECTED,
                                    Message(status)));
  }
  // Values, constraints, exceptions of triggers, checks of views, a value too long for an index:
  // some record is at fault.
  if (kind == "22" || kind == "23" || kind == "21" || kind == "P0" || kind == "38" ||
      kind == "44" || kind == "54") {
    Answer answer = Make(Verdict::kRefused, true, ErrorCode::kDESTINATION_REJECTED, status);
    answer.alone = Rejected(
        state == "23505" ? ErrorCode::kDESTINATION_CONFLICT : ErrorCode::kDESTINATION_REJECTED,
        answer.message);
    return answer;
  }
  // A race that was lost says nothing of the destination's health.
  if (IsRaceLost(status)) {
    return ForAll(records, {RecordFate::kRetryable, SkipReason::kNone,
                            ErrorCode::kDESTINATION_UNAVAILABLE, Message(status)});
  }
  if (kind == "28") {
    return Make(Verdict::kUnauthenticated, true, ErrorCode::kDESTINATION_UNAUTHENTICATED, status);
  }
  return Make(
      Verdict::kFailed, true,
      state == "57014" ? ErrorCode::kDESTINATION_TIMEOUT : ErrorCode::kDESTINATION_UNAVAILABLE,
      status);
}

Answer AnswerForConnect(const absl::Status& status) {
  const std::string state = SqlState(status);
  // Wrong user or password, or a database that is not there.
  if (state.starts_with("28") || state == "3D000") {
    return Make(Verdict::kUnauthenticated, true, ErrorCode::kDESTINATION_UNAUTHENTICATED, status);
  }
  const bool timeout = CodeOf(status) == ErrorCode::kDESTINATION_TIMEOUT;
  return Make(Verdict::kFailed, true,
              timeout ? ErrorCode::kDESTINATION_TIMEOUT : ErrorCode::kDESTINATION_UNREACHABLE,
              status);
}

Answer AnswerNotAllowed() {
  return Make(Verdict::kNotAllowed, true, ErrorCode::kGRANT_REFUSED,
              Error(ErrorCode::kGRANT_REFUSED,
                    "the permission to send ended before the transaction was committed"));
}

}  // namespace penstock::loader
