#include "services/common/model/outcome.h"

namespace penstock {

std::string_view Name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPending:
      return "pending";
    case Outcome::kDelivered:
      return "delivered";
    case Outcome::kUnchanged:
      return "unchanged";
    case Outcome::kSkipped:
      return "skipped";
    case Outcome::kRejected:
      return "rejected";
    case Outcome::kUnknown:
      break;
  }
  return "unknown";
}

}  // namespace penstock
