#include "services/common/pg/pg_errors.h"

#include "absl/strings/cord.h"
#include "services/common/core/status.h"

namespace penstock {
namespace {

constexpr absl::string_view kSqlState = "penstock.dev/sqlstate";
constexpr absl::string_view kCommitUnknown = "penstock.dev/commit-unknown";

// Classes and codes of PostgreSQL's appendix A that mean "not now", not "wrong SQL".
bool IsUnavailable(std::string_view s) {
  return s.empty() || s.starts_with("08") || s.starts_with("53") || s.starts_with("57P") ||
         s == "57014" || s == "25006" || s == "55P03" || s.starts_with("58");
}

// Text that is not UTF-8, or holds NUL: whoever sent it must leave that out.
bool IsUnstorableText(std::string_view s) {
  return s == "22021" || s == "22P05";
}

}  // namespace

absl::Status PgError(std::string_view sqlstate, std::string_view message) {
  while (!message.empty() && message.back() == '\n') message.remove_suffix(1);
  const bool race = sqlstate == "40001" || sqlstate == "40P01";
  const ErrorCode code = IsUnavailable(sqlstate) || race ? ErrorCode::kDATABASE_UNAVAILABLE
                         : IsUnstorableText(sqlstate)    ? ErrorCode::kINVALID_REQUEST
                                                         : ErrorCode::kINTERNAL;
  absl::Status status = Error(code, message);
  status.SetPayload(kSqlState, absl::Cord(Absl(sqlstate)));
  return status;
}

std::string SqlState(const absl::Status& status) {
  auto payload = status.GetPayload(kSqlState);
  return payload.has_value() ? std::string(*payload) : std::string();
}

bool IsRaceLost(const absl::Status& status) {
  const std::string state = SqlState(status);
  return state == "40001" || state == "40P01";
}

absl::Status AsCommitUnknown(const absl::Status& status) {
  absl::Status out = status;
  out.SetPayload(kCommitUnknown, absl::Cord("true"));
  return out;
}

bool CommitUnknown(const absl::Status& status) {
  return status.GetPayload(kCommitUnknown).has_value();
}

}  // namespace penstock
