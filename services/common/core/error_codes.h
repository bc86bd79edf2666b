#pragma once

#include <cstdint>
#include <string_view>

namespace penstock {

// Who must act for the error to go away.
enum class Owner : uint8_t { kUser, kDestination, kPenstock };

// When trying again makes sense.
enum class Retry : uint8_t { kNever, kLater, kAfterFix };

// Every error that Penstock can report, with its stable name (an ErrorInfo.reason and a metric
// label), who must act, and when to try again. A new error is a new line here and a heading in
// docs/errors.md.
#define PENSTOCK_ERROR_CODES(X)                     \
  /* Resources and requests */                      \
  X(INVALID_RESOURCE, kUser, kAfterFix)             \
  X(INVALID_CONFIGURATION, kUser, kAfterFix)        \
  X(INVALID_REQUEST, kUser, kAfterFix)              \
  X(NOT_SUPPORTED_YET, kUser, kAfterFix)            \
  X(MESSAGE_TOO_LARGE, kUser, kAfterFix)            \
  X(UNAUTHENTICATED, kUser, kAfterFix)              \
  X(RESOURCE_NOT_FOUND, kUser, kAfterFix)           \
  X(REQUEST_ID_REUSED, kUser, kAfterFix)            \
  X(RUN_ACTIVE, kUser, kLater)                      \
  X(SYNC_PAUSED, kUser, kAfterFix)                  \
  X(INVALID_RUN_STATE, kUser, kNever)               \
  X(ILLEGAL_TRANSITION, kPenstock, kNever)          \
  X(STALE_REVISION, kPenstock, kLater)              \
  X(SECRET_NOT_FOUND, kUser, kAfterFix)             \
  /* Reading the warehouse */                       \
  X(SOURCE_UNREACHABLE, kUser, kLater)              \
  X(SOURCE_UNAVAILABLE, kUser, kLater)              \
  X(SOURCE_AUTHENTICATION_FAILED, kUser, kAfterFix) \
  X(SOURCE_QUERY_FAILED, kUser, kAfterFix)          \
  X(SOURCE_CONNECTION_LOST, kUser, kLater)          \
  X(MODEL_COLUMN_MISSING, kUser, kAfterFix)         \
  X(IDENTITY_CHANGED, kUser, kAfterFix)             \
  X(READ_RETRIES_EXHAUSTED, kPenstock, kAfterFix)   \
  X(MAX_CHANGED_EXCEEDED, kUser, kAfterFix)         \
  X(MANY_ROWS_CHANGED, kUser, kAfterFix)            \
  X(MAX_REMOVED_EXCEEDED, kUser, kAfterFix)         \
  X(MODEL_EMPTY, kUser, kAfterFix)                  \
  X(MAX_REJECTED_EXCEEDED, kUser, kAfterFix)        \
  X(GAVE_UP, kDestination, kAfterFix)               \
  /* Records that are not sent */                   \
  X(IDENTITY_NULL, kUser, kAfterFix)                \
  X(IDENTITY_DUPLICATE, kUser, kAfterFix)           \
  X(CAST_FAILED, kUser, kAfterFix)                  \
  X(VALUE_NOT_REPRESENTABLE, kUser, kAfterFix)      \
  X(RECORD_TOO_LARGE, kUser, kAfterFix)             \
  /* Answers of destinations */                     \
  X(DESTINATION_REJECTED, kUser, kAfterFix)         \
  X(DESTINATION_CONFLICT, kUser, kAfterFix)         \
  X(DESTINATION_NOT_FOUND, kUser, kAfterFix)        \
  X(DESTINATION_UNAUTHENTICATED, kUser, kAfterFix)  \
  X(DESTINATION_FORBIDDEN, kUser, kAfterFix)        \
  X(DESTINATION_RATE_LIMITED, kDestination, kLater) \
  X(DESTINATION_UNREACHABLE, kDestination, kLater)  \
  X(DESTINATION_TIMEOUT, kDestination, kLater)      \
  X(DESTINATION_UNAVAILABLE, kDestination, kLater)  \
  X(DESTINATION_BAD_ANSWER, kDestination, kLater)   \
  X(DESTINATION_REDIRECTED, kUser, kAfterFix)       \
  X(DESTINATION_TLS_FAILED, kUser, kAfterFix)       \
  X(RETRIES_EXHAUSTED, kDestination, kLater)        \
  X(POISON_RECORD, kPenstock, kAfterFix)            \
  /* Inside */                                      \
  X(LEASE_LOST, kPenstock, kLater)                  \
  X(GRANT_REFUSED, kPenstock, kLater)               \
  X(DATA_CORRUPT, kPenstock, kNever)                \
  X(STATE_UNAVAILABLE, kPenstock, kLater)           \
  X(WORKERS_UNAVAILABLE, kPenstock, kLater)         \
  X(DRAINING, kPenstock, kLater)                    \
  X(RESTORED, kPenstock, kLater)                    \
  X(DATABASE_UNAVAILABLE, kPenstock, kLater)        \
  X(QUEUE_UNAVAILABLE, kPenstock, kLater)           \
  X(QUEUE_FULL, kPenstock, kLater)                  \
  X(SPOOL_FULL, kPenstock, kLater)                  \
  X(SCHEMA_VERSION, kPenstock, kAfterFix)           \
  X(INTERNAL, kPenstock, kNever)

enum class ErrorCode : uint16_t {
#define PENSTOCK_X(name, owner, retry) k##name,
  PENSTOCK_ERROR_CODES(PENSTOCK_X)
#undef PENSTOCK_X
};

// The stable name, e.g. "IDENTITY_NULL".
std::string_view Name(ErrorCode code);
// The code of that name; kINTERNAL for a name this build doesn't know (an answer of a newer
// service).
ErrorCode ErrorCodeByName(std::string_view name);
Owner OwnerOf(ErrorCode code);
Retry RetryOf(ErrorCode code);
std::string_view Name(Owner owner);
std::string_view Name(Retry retry);

}  // namespace penstock
