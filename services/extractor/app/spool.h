#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace penstock::extractor {

// The bytes that all spools of a process may hold together. A spool may hold as much as is left: so
// one alone gets half, and one whose destination is dead always leaves room for others.
// Thread-safe.
class SpoolBudget {
 public:
  explicit SpoolBudget(uint64_t bytes) : bytes_(bytes) {}
  // For a spool that holds `held` bytes.
  bool Take(uint64_t held, uint64_t bytes);
  void Return(uint64_t bytes) { used_ -= bytes; }
  uint64_t used() const { return used_; }

 private:
  const uint64_t bytes_;
  std::atomic<uint64_t> used_ = 0;
};

// Encoded batches on their way from the read to Redis: a file that is written at its end and read
// once from the front (docs/formats.md, "Spool"). One thread appends while another takes. The file
// has no name, so that it goes with the object or the process. What was taken gives its room back.
class Spool {
 public:
  // `directory` exists. SPOOL_FULL when no file can be made there.
  static absl::StatusOr<std::unique_ptr<Spool>> Open(const std::filesystem::path& directory,
                                                     SpoolBudget& budget);
  ~Spool();

  // False: the budget is used up, or the disk is full; nothing was added.
  bool Append(std::string_view batch);
  // The next batch; it leaves the disk. REQUIRES: one was appended and not taken.
  absl::StatusOr<std::string> Take();
  // Batches appended so far.
  uint32_t appended() const { return appended_; }

 private:
  Spool(int fd, SpoolBudget& budget) : fd_(fd), budget_(budget) {}

  const int fd_;
  SpoolBudget& budget_;
  void FreeTaken();

  uint64_t written_ = 0;
  uint64_t taken_ = 0;
  std::atomic<uint64_t> freed_ = 0;  // from the front of the file
  std::atomic<uint32_t> appended_ = 0;
};

}  // namespace penstock::extractor
