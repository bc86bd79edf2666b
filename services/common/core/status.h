#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/common/core/error_codes.h"

namespace penstock {

// A Status that carries one of Penstock's codes. `message` names the thing, the place and the
// remedy. The canonical gRPC code follows from the error code (see status.cpp).
absl::Status Error(ErrorCode code, std::string_view message);

// The code that Error() put in; kINTERNAL for a Status that another library made; nullopt for OK.
std::optional<ErrorCode> CodeOf(const absl::Status& status);

// The same error with "context: " before its message.
absl::Status WithContext(const absl::Status& status, std::string_view context);

// Two string_views are about: absl's (of Debian's C++14 build) and std's. Convert at the edge.
inline std::string_view Std(absl::string_view s) {
  return {s.data(), s.size()};
}
inline absl::string_view Absl(std::string_view s) {
  return {s.data(), s.size()};
}

}  // namespace penstock

#define PENSTOCK_CONCAT_(a, b) a##b
#define PENSTOCK_CONCAT(a, b) PENSTOCK_CONCAT_(a, b)

// Names are numbered, since an expression may hold a lambda that uses these macros too.
#define PENSTOCK_RETURN_IF_ERROR_(name, expr, return_keyword)        \
  do {                                                               \
    if (absl::Status name = (expr); !name.ok()) return_keyword name; \
  } while (false)
#define PENSTOCK_ASSIGN_OR_RETURN_(name, lhs, expr, return_keyword) \
  auto name = (expr);                                               \
  if (!name.ok()) return_keyword std::move(name).status();          \
  lhs = std::move(name).value()

// Returns the Status of `expr` from the enclosing function when it is an error.
#define PENSTOCK_RETURN_IF_ERROR(expr) \
  PENSTOCK_RETURN_IF_ERROR_(PENSTOCK_CONCAT(penstock_status_, __COUNTER__), expr, return)
// lhs = the value of `expr`, a StatusOr, or returns its Status from the enclosing function.
#define PENSTOCK_ASSIGN_OR_RETURN(lhs, expr) \
  PENSTOCK_ASSIGN_OR_RETURN_(PENSTOCK_CONCAT(penstock_or_, __COUNTER__), lhs, expr, return)

// The same for coroutines.
#define PENSTOCK_CO_RETURN_IF_ERROR(expr) \
  PENSTOCK_RETURN_IF_ERROR_(PENSTOCK_CONCAT(penstock_status_, __COUNTER__), expr, co_return)
#define PENSTOCK_CO_ASSIGN_OR_RETURN(lhs, expr) \
  PENSTOCK_ASSIGN_OR_RETURN_(PENSTOCK_CONCAT(penstock_or_, __COUNTER__), lhs, expr, co_return)
