#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "services/common/core/hash.h"

namespace penstock {

// What a read notes of a row for the check of duplicates.
struct SpilledRow {
  Hash128 key;
  uint64_t row = 0;
  uint64_t flags = 0;
  friend auto operator<=>(const SpilledRow&, const SpilledRow&) = default;
};
static_assert(sizeof(SpilledRow) == 32);  // as it stands in the file (docs/formats.md, "Spool")

// Sorts any number of rows in bounded memory: sorted runs go to files `spill-<n>` of a directory,
// and are merged when they are read. The files go when the sorter goes. Not thread-safe.
class SpillSorter {
 public:
  // Holds `memory_bytes` of rows before it writes a run. The directory must exist.
  SpillSorter(std::filesystem::path directory, size_t memory_bytes);
  ~SpillSorter();
  SpillSorter(const SpillSorter&) = delete;
  SpillSorter& operator=(const SpillSorter&) = delete;

  // SPOOL_FULL when the disk takes no more, here and below.
  absl::Status Add(const SpilledRow& row);
  uint64_t size() const { return size_; }
  // Visits all rows in ascending order; ends with the first error that `visit` returns. May be
  // called once, and nothing is added afterwards.
  absl::Status ForEach(const std::function<absl::Status(const SpilledRow&)>& visit);

 private:
  absl::Status WriteRun();
  absl::Status Merge(const std::function<absl::Status(const SpilledRow&)>& visit);

  std::filesystem::path directory_;
  size_t capacity_;
  std::vector<SpilledRow> rows_;
  std::vector<std::filesystem::path> runs_;
  uint64_t size_ = 0;
};

}  // namespace penstock
