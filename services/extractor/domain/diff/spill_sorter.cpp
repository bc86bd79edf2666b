#include "services/extractor/domain/diff/spill_sorter.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <queue>
#include <system_error>

#include "services/common/core/status.h"

namespace penstock {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

absl::Status FileError(const std::filesystem::path& path, const char* what) {
  return Error(ErrorCode::kSPOOL_FULL, "spool file " + path.string() + " can't be " + what + ": " +
                                           std::strerror(errno) +
                                           "; free space in the extractor's spool directory");
}

// Reads a run from its front, a buffer at a time.
class RunReader {
 public:
  explicit RunReader(std::filesystem::path path) : path_(std::move(path)), buffer_(kRows) {}

  absl::Status Open() {
    file_.reset(std::fopen(path_.c_str(), "rb"));
    return file_ == nullptr ? FileError(path_, "opened") : Advance();
  }
  absl::Status Advance() {
    if (++next_ < filled_) return absl::OkStatus();
    next_ = 0;
    filled_ = std::fread(buffer_.data(), sizeof(SpilledRow), buffer_.size(), file_.get());
    if (filled_ == 0 && std::ferror(file_.get()) != 0) return FileError(path_, "read");
    return absl::OkStatus();
  }
  bool done() const { return filled_ == 0; }
  const SpilledRow& row() const { return buffer_[next_]; }

 private:
  static constexpr size_t kRows = 1024;
  std::filesystem::path path_;
  File file_;
  std::vector<SpilledRow> buffer_;
  size_t next_ = 0, filled_ = 0;
};

}  // namespace

SpillSorter::SpillSorter(std::filesystem::path directory, size_t memory_bytes)
    : directory_(std::move(directory)),
      capacity_(std::max<size_t>(memory_bytes / sizeof(SpilledRow), 1)) {}

SpillSorter::~SpillSorter() {
  std::error_code ignored;  // what can't be deleted goes with the task's directory
  for (const std::filesystem::path& run : runs_) std::filesystem::remove(run, ignored);
}

absl::Status SpillSorter::Add(const SpilledRow& row) {
  rows_.push_back(row);
  ++size_;
  return rows_.size() < capacity_ ? absl::OkStatus() : WriteRun();
}

absl::Status SpillSorter::WriteRun() {
  std::sort(rows_.begin(), rows_.end());
  std::filesystem::path path = directory_ / ("spill-" + std::to_string(runs_.size()));
  File file(std::fopen(path.c_str(), "wb"));
  if (file == nullptr) return FileError(path, "made");
  runs_.push_back(path);
  size_t written = std::fwrite(rows_.data(), sizeof(SpilledRow), rows_.size(), file.get());
  if (written != rows_.size() || std::fflush(file.get()) != 0) return FileError(path, "written");
  rows_.clear();
  return absl::OkStatus();
}

absl::Status SpillSorter::Merge(const std::function<absl::Status(const SpilledRow&)>& visit) {
  std::vector<RunReader> readers;
  for (const std::filesystem::path& run : runs_) readers.emplace_back(run);
  auto later = [](const RunReader* a, const RunReader* b) { return b->row() < a->row(); };
  std::priority_queue<RunReader*, std::vector<RunReader*>, decltype(later)> queue(later);
  for (RunReader& reader : readers) {
    PENSTOCK_RETURN_IF_ERROR(reader.Open());
    if (!reader.done()) queue.push(&reader);
  }
  while (!queue.empty()) {
    RunReader* least = queue.top();
    queue.pop();
    PENSTOCK_RETURN_IF_ERROR(visit(least->row()));
    PENSTOCK_RETURN_IF_ERROR(least->Advance());
    if (!least->done()) queue.push(least);
  }
  return absl::OkStatus();
}

absl::Status SpillSorter::ForEach(const std::function<absl::Status(const SpilledRow&)>& visit) {
  if (!runs_.empty()) {
    if (!rows_.empty()) PENSTOCK_RETURN_IF_ERROR(WriteRun());
    rows_ = {};
    return Merge(visit);
  }
  std::sort(rows_.begin(), rows_.end());
  for (const SpilledRow& row : rows_) PENSTOCK_RETURN_IF_ERROR(visit(row));
  return absl::OkStatus();
}

}  // namespace penstock
