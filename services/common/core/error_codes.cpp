#include "services/common/core/error_codes.h"

#include <array>

namespace penstock {
namespace {

struct Entry {
  std::string_view name;
  Owner owner;
  Retry retry;
};

constexpr std::array kEntries = {
#define PENSTOCK_X(name, owner, retry) Entry{#name, Owner::owner, Retry::retry},
    PENSTOCK_ERROR_CODES(PENSTOCK_X)
#undef PENSTOCK_X
};

const Entry& Of(ErrorCode code) {
  return kEntries[static_cast<size_t>(code)];
}

}  // namespace

std::string_view Name(ErrorCode code) {
  return Of(code).name;
}
Owner OwnerOf(ErrorCode code) {
  return Of(code).owner;
}
Retry RetryOf(ErrorCode code) {
  return Of(code).retry;
}

ErrorCode ErrorCodeByName(std::string_view name) {
  for (size_t i = 0; i < kEntries.size(); ++i) {
    if (kEntries[i].name == name) return static_cast<ErrorCode>(i);
  }
  return ErrorCode::kINTERNAL;
}

std::string_view Name(Owner owner) {
  switch (owner) {
    case Owner::kUser:
      return "user";
    case Owner::kDestination:
      return "destination";
    case Owner::kPenstock:
      return "penstock";
  }
  return "penstock";
}

std::string_view Name(Retry retry) {
  switch (retry) {
    case Retry::kNever:
      return "never";
    case Retry::kLater:
      return "later";
    case Retry::kAfterFix:
      return "after_fix";
  }
  return "never";
}

}  // namespace penstock
