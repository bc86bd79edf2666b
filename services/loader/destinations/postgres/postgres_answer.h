#pragma once

#include "absl/status/status.h"
#include "services/loader/domain/answer.h"

namespace penstock::loader {

// What an error of a session means for the records of its transaction, by SQLSTATE (PostgreSQL's
// appendix A). A transaction that did not reach its COMMIT applied nothing.
Answer AnswerForFailure(const absl::Status& status, size_t records);
// No session could be had: nothing was sent.
Answer AnswerForConnect(const absl::Status& status);
// The grant ended before the COMMIT: nothing was applied.
Answer AnswerNotAllowed();

}  // namespace penstock::loader
