#pragma once

#include <cstdint>
#include <span>

namespace penstock::state {

// At most so many attempts in any window of this length.
struct QuotaWindow {
  int64_t requests = 0;
  int64_t per_ms = 0;
};

// Attempts that were charged in a slice of time.
struct QuotaSlice {
  int64_t start_ms = 0;
  int64_t used = 0;
};

// A window is counted in slices of a sixtieth of it, so that what is stored of a quota stays small.
// An attempt counts until its whole slice has left the window.
int64_t SliceLength(const QuotaWindow& window);
// The slice that an attempt at `now_ms` is charged to.
int64_t SliceAt(const QuotaWindow& window, int64_t now_ms);
// A slice that begins before this counts no more.
int64_t OldestSlice(const QuotaWindow& window, int64_t now_ms);

struct QuotaRoom {
  int64_t attempts = 0;  // that may be made now
  int64_t wait_ms = 0;   // where there are none: ask again after it
};
// `used`: the slices that count. One that begins after now, which a clock that was set back leaves,
// counts as if it began now: it closes the quota for no longer than its window.
QuotaRoom RoomIn(const QuotaWindow& window, std::span<const QuotaSlice> used, int64_t now_ms);

}  // namespace penstock::state
