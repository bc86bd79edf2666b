#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "penstock/internal/v1/extraction.pb.h"
#include "services/common/model/snapshot.h"
#include "services/common/obs/metrics.h"

namespace penstock::extractor {

class StateClient;

// A segment's file, mapped into memory.
class MappedSegment {
 public:
  static absl::StatusOr<std::shared_ptr<MappedSegment>> Open(const std::filesystem::path& path,
                                                             bool verify);
  ~MappedSegment();
  const SegmentView& view() const { return view_; }
  size_t bytes() const { return size_; }

 private:
  MappedSegment(void* data, size_t size) : data_(data), size_(size) {}
  void* data_;
  size_t size_;
  SegmentView view_;
};

using MappedLevels = std::vector<std::vector<std::shared_ptr<MappedSegment>>>;

// The views of mapped levels, as the indexes take them.
std::vector<std::vector<SegmentView>> ViewsOf(const MappedLevels& levels);

// Segments on this machine's disk, shared by all tasks: they are immutable, so what is there is
// never fetched again. The least recently used go when there is no room. Thread-safe; one fetch at
// a time.
class SegmentCache {
 public:
  // Both references outlive it.
  SegmentCache(std::filesystem::path directory, uint64_t max_bytes, StateClient& state,
               Metrics& metrics);

  // The segments of these levels, mapped. SPOOL_FULL when they and those that other tasks use do
  // not fit into `max_bytes`.
  absl::StatusOr<MappedLevels> Get(
      const google::protobuf::RepeatedPtrField<penstock::internal::v1::Level>& levels);
  uint64_t bytes() const;

 private:
  struct Cached {
    uint64_t bytes = 0;
    std::weak_ptr<MappedSegment> mapped;
    uint64_t used = 0;
  };

  // REQUIRES: it is on disk.
  absl::StatusOr<std::shared_ptr<MappedSegment>> Map(
      const penstock::internal::v1::Segment& segment);
  absl::Status Fetch(const std::vector<const penstock::internal::v1::Segment*>& segments);
  absl::Status MakeRoom(uint64_t bytes);
  std::filesystem::path PathOf(const penstock::internal::v1::Segment& segment) const;

  const std::filesystem::path directory_;
  const uint64_t max_bytes_;
  StateClient& state_;
  const Counter hits_, misses_;
  mutable std::mutex mutex_;
  std::map<std::string, Cached> files_;  // by file name
  uint64_t total_ = 0;
  uint64_t clock_ = 0;
};

}  // namespace penstock::extractor
