#include "services/state/domain/quota.h"

#include <algorithm>
#include <limits>

namespace penstock::state {
namespace {

constexpr int64_t kSlices = 60;

}  // namespace

int64_t SliceLength(const QuotaWindow& window) {
  return std::max<int64_t>(1, window.per_ms / kSlices);
}

int64_t SliceAt(const QuotaWindow& window, int64_t now_ms) {
  return now_ms - now_ms % SliceLength(window);
}

int64_t OldestSlice(const QuotaWindow& window, int64_t now_ms) {
  return now_ms - window.per_ms - SliceLength(window) + 1;
}

QuotaRoom RoomIn(const QuotaWindow& window, std::span<const QuotaSlice> used, int64_t now_ms) {
  int64_t free = window.requests;
  int64_t wait = std::numeric_limits<int64_t>::max();
  for (const QuotaSlice& slice : used) {
    const int64_t start = std::min(slice.start_ms, now_ms);
    const int64_t left = start - OldestSlice(window, now_ms) + 1;
    if (left <= 0) continue;
    free -= slice.used;
    wait = std::min(wait, left);
  }
  return free > 0 ? QuotaRoom{free, 0} : QuotaRoom{0, wait};
}

}  // namespace penstock::state
