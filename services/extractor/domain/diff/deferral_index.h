#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "services/common/core/hash.h"
#include "services/common/model/snapshot.h"

namespace penstock {

// The deferrals of a pinned manifest. Views must outlive it. Thread-safe.
class DeferralIndex {
 public:
  // Levels as the manifest lists them, base first. `recipe` is the read's; `now_us` the database's
  // clock in microseconds since 1970.
  DeferralIndex(std::vector<std::vector<SegmentView>> levels, uint64_t recipe, int64_t now_us);

  // Whether a row of this key and hash was refused before and is not to be tried again yet. A row
  // that was refused under another recipe is tried at once.
  bool DefersRow(const Hash128& key, uint64_t row) const;
  // The newest deferral of a key's row, due or not.
  std::optional<Deferral> FindRow(const Hash128& key) const;
  // Whether the removal of an entry with this row hash was.
  bool DefersRemoval(const Hash128& key, uint64_t row) const;

 private:
  struct Found {
    Deferral deferral;
    uint64_t recipe;
  };
  std::optional<Found> Newest(const Hash128& key) const;

  std::vector<std::vector<SegmentView>> levels_;
  uint64_t recipe_;
  int64_t now_us_;
};

}  // namespace penstock
