#include "services/extractor/app/segment_cache.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "services/common/core/status.h"
#include "services/extractor/app/state_client.h"

namespace penstock::extractor {

namespace fs = std::filesystem;

absl::StatusOr<std::shared_ptr<MappedSegment>> MappedSegment::Open(const fs::path& path,
                                                                   bool verify) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info{};
  void* data = MAP_FAILED;
  if (fd >= 0 && fstat(fd, &info) == 0 && info.st_size > 0) {
    data = mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_SHARED, fd, 0);
  }
  if (fd >= 0) close(fd);
  if (data == MAP_FAILED) {
    return Error(ErrorCode::kDATA_CORRUPT,
                 absl::StrCat("the cached segment ", path.string(), " can't be mapped"));
  }
  std::shared_ptr<MappedSegment> segment(
      new MappedSegment(data, static_cast<size_t>(info.st_size)));
  PENSTOCK_ASSIGN_OR_RETURN(
      segment->view_, SegmentView::Open({static_cast<const char*>(data), segment->size_}, verify));
  return segment;
}

MappedSegment::~MappedSegment() {
  munmap(data_, size_);
}

std::vector<std::vector<SegmentView>> ViewsOf(const MappedLevels& levels) {
  std::vector<std::vector<SegmentView>> views;
  for (const auto& level : levels) {
    auto& out = views.emplace_back();
    for (const auto& segment : level) out.push_back(segment->view());
  }
  return views;
}

SegmentCache::SegmentCache(fs::path directory, uint64_t max_bytes, StateClient& state,
                           Metrics& metrics)
    : directory_(std::move(directory)),
      max_bytes_(max_bytes),
      state_(state),
      hits_(metrics.GetCounter("penstock_extractor_segments_total", {"hit"})),
      misses_(metrics.GetCounter("penstock_extractor_segments_total", {"miss"})) {
  // What an earlier process left is as good as new: names carry checksums, and a first use
  // verifies.
  std::error_code ignored;
  for (const auto& file : fs::directory_iterator(directory_, ignored)) {
    if (file.path().extension() == ".part") {
      fs::remove(file.path(), ignored);
      continue;
    }
    const uint64_t bytes = file.file_size(ignored);
    files_[file.path().filename().string()] = {.bytes = bytes};
    total_ += bytes;
  }
}

uint64_t SegmentCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return total_;
}

fs::path SegmentCache::PathOf(const pb::Segment& segment) const {
  return directory_ /
         absl::StrCat(segment.id(), "-", absl::Hex(segment.checksum(), absl::kZeroPad16));
}

absl::StatusOr<MappedLevels> SegmentCache::Get(
    const google::protobuf::RepeatedPtrField<pb::Level>& levels) {
  const std::lock_guard lock(mutex_);
  std::vector<const pb::Segment*> missing;
  std::vector<std::shared_ptr<MappedSegment>> held;  // so that none makes room for the others
  for (const pb::Level& level : levels) {
    for (const pb::Segment& segment : level.segments()) {
      if (!files_.contains(PathOf(segment).filename().string())) {
        missing.push_back(&segment);
        continue;
      }
      PENSTOCK_ASSIGN_OR_RETURN(held.emplace_back(), Map(segment));
      hits_.Add();
    }
  }
  PENSTOCK_RETURN_IF_ERROR(Fetch(missing));
  MappedLevels out;
  for (const pb::Level& level : levels) {
    auto& mapped_level = out.emplace_back();
    for (const pb::Segment& segment : level.segments()) {
      PENSTOCK_ASSIGN_OR_RETURN(mapped_level.emplace_back(), Map(segment));
    }
  }
  return out;
}

absl::StatusOr<std::shared_ptr<MappedSegment>> SegmentCache::Map(const pb::Segment& segment) {
  const fs::path path = PathOf(segment);
  const auto file = files_.find(path.filename().string());
  Cached& cached = file->second;
  cached.used = ++clock_;
  std::shared_ptr<MappedSegment> mapped = cached.mapped.lock();
  if (mapped != nullptr) return mapped;
  auto opened = MappedSegment::Open(path, /*verify=*/true);
  if (!opened.ok()) {
    // A damaged file is fetched again by the next read.
    std::error_code ignored;
    fs::remove(path, ignored);
    total_ -= cached.bytes;
    files_.erase(file);
    return opened.status();
  }
  cached.mapped = *opened;
  return *std::move(opened);
}

absl::Status SegmentCache::Fetch(const std::vector<const pb::Segment*>& segments) {
  if (segments.empty()) return absl::OkStatus();
  uint64_t bytes = 0;
  std::vector<uint64_t> ids;
  std::map<uint64_t, fs::path> paths;
  for (const pb::Segment* segment : segments) {
    bytes += segment->bytes();
    ids.push_back(segment->id());
    paths[segment->id()] = PathOf(*segment);
  }
  PENSTOCK_RETURN_IF_ERROR(MakeRoom(bytes));
  misses_.Add(static_cast<double>(segments.size()));
  std::ofstream file;
  uint64_t current = 0;
  const auto part = [](const fs::path& path) { return fs::path(path.string() + ".part"); };
  PENSTOCK_RETURN_IF_ERROR(state_.ReadSegments(ids, [&](const pb::ReadSegmentsResponse& chunk) {
    if (chunk.segment_id() != current) {
      file.close();
      current = chunk.segment_id();
      file.open(part(paths[current]), std::ios::binary | std::ios::trunc);
    }
    file.write(chunk.data().data(), static_cast<std::streamsize>(chunk.data().size()));
    return file ? absl::OkStatus()
                : Error(
                      ErrorCode::kSPOOL_FULL,
                      absl::StrCat("the segment cache ", directory_.string(), " can't be written"));
  }));
  file.close();
  for (const pb::Segment* segment : segments) {
    const fs::path path = paths[segment->id()];
    std::error_code failed;
    fs::rename(part(path), path, failed);
    if (failed)
      return Error(ErrorCode::kDATA_CORRUPT,
                   absl::StrCat("segment ", segment->id(), " did not arrive"));
    files_[path.filename().string()] = {.bytes = segment->bytes(), .used = ++clock_};
    total_ += segment->bytes();
  }
  return absl::OkStatus();
}

absl::Status SegmentCache::MakeRoom(uint64_t bytes) {
  while (total_ + bytes > max_bytes_) {
    auto oldest = files_.end();
    for (auto it = files_.begin(); it != files_.end(); ++it) {
      if (it->second.mapped.expired() &&
          (oldest == files_.end() || it->second.used < oldest->second.used))
        oldest = it;
    }
    if (oldest == files_.end()) {
      return Error(ErrorCode::kSPOOL_FULL,
                   absl::StrCat("the delivered rows that the extractor's tasks look through need ",
                                total_ + bytes, " bytes, and --cache is ", max_bytes_,
                                ": raise it, or have fewer --tasks at once"));
    }
    std::error_code ignored;
    fs::remove(directory_ / oldest->first, ignored);
    total_ -= oldest->second.bytes;
    files_.erase(oldest);
  }
  return absl::OkStatus();
}

}  // namespace penstock::extractor
