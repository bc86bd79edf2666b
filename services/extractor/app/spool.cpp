#include "services/extractor/app/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "services/common/core/status.h"

namespace penstock::extractor {
namespace {

constexpr uint64_t kFreeAtOnce = 256 << 10;  // a multiple of what file systems allocate

bool WriteAll(int fd, std::string_view bytes, uint64_t at) {
  while (!bytes.empty()) {
    const ssize_t n = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
    at += static_cast<uint64_t>(n);
  }
  return true;
}

bool ReadAll(int fd, char* out, size_t size, uint64_t at) {
  while (size > 0) {
    const ssize_t n = pread(fd, out, size, static_cast<off_t>(at));
    if (n <= 0) return false;
    out += n;
    size -= static_cast<size_t>(n);
    at += static_cast<uint64_t>(n);
  }
  return true;
}

}  // namespace

bool SpoolBudget::Take(uint64_t held, uint64_t bytes) {
  if (used_.fetch_add(bytes) + held + bytes <= bytes_) return true;
  used_ -= bytes;
  return false;
}

absl::StatusOr<std::unique_ptr<Spool>> Spool::Open(const std::filesystem::path& directory,
                                                   SpoolBudget& budget) {
  const std::filesystem::path path = directory / "batches";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) {
    return Error(ErrorCode::kSPOOL_FULL, absl::StrCat("the spool ", path.string(),
                                                      " can't be made: ", std::strerror(errno)));
  }
  unlink(path.c_str());
  return std::unique_ptr<Spool>(new Spool(fd, budget));
}

Spool::~Spool() {
  close(fd_);
  budget_.Return(written_ - freed_);
}

bool Spool::Append(std::string_view batch) {
  const auto size = static_cast<uint32_t>(batch.size());
  const uint64_t bytes = sizeof size + size;
  if (!budget_.Take(written_ - freed_, bytes)) return false;
  if (!WriteAll(fd_, {reinterpret_cast<const char*>(&size), sizeof size}, written_) ||
      !WriteAll(fd_, batch, written_ + sizeof size)) {
    budget_.Return(bytes);
    return false;
  }
  written_ += bytes;
  appended_.fetch_add(1, std::memory_order_release);
  return true;
}

absl::StatusOr<std::string> Spool::Take() {
  uint32_t size = 0;
  std::string batch;
  bool ok = ReadAll(fd_, reinterpret_cast<char*>(&size), sizeof size, taken_);
  if (ok) {
    batch.resize(size);
    ok = ReadAll(fd_, batch.data(), size, taken_ + sizeof size);
  }
  if (!ok) return Error(ErrorCode::kDATA_CORRUPT, "the spool can't be read back");
  taken_ += sizeof size + size;
  if (taken_ - freed_ >= kFreeAtOnce) FreeTaken();
  return batch;
}

void Spool::FreeTaken() {
  const uint64_t length = (taken_ - freed_) / kFreeAtOnce * kFreeAtOnce;
  // A file system that can't do it keeps the bytes until the spool goes.
  if (fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(freed_),
                static_cast<off_t>(length)) != 0)
    return;
  freed_ += length;
  budget_.Return(length);
}

}  // namespace penstock::extractor
