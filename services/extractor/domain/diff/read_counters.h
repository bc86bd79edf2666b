#pragma once

#include <cstdint>

namespace penstock {

// What became of the rows of a read. Every row is in exactly one of the counters after `rows_read`.
struct ReadCounters {
  uint64_t rows_read = 0;
  uint64_t unchanged = 0;
  uint64_t deferred = 0;  // refused before, and not to be tried again yet
  uint64_t invalid = 0;
  uint64_t skipped = 0;  // by the mode or the mapping: known rows of an insert, skip_record
  uint64_t copies = 0;   // equal in key and row to another row
  uint64_t changed = 0;  // emitted: new, changed, or in doubt
  // Of all rows: those of a key that the destination may hold; and of these, those that differ from
  // what was delivered by the same mapping.
  uint64_t known = 0, known_changed = 0;
  // Not rows: entries that were not seen but kept, because an invalid row may be theirs.
  uint64_t protected_from_removal = 0;

  bool Balanced() const {
    return rows_read == unchanged + deferred + invalid + skipped + copies + changed;
  }
  friend bool operator==(const ReadCounters&, const ReadCounters&) = default;
};

}  // namespace penstock
