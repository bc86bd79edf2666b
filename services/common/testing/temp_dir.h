#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace penstock::testing {

// A fresh directory under $TMPDIR (or /tmp) that is deleted, with all in it, at destruction. Other
// users may pass through it (servers run as an unprivileged user when the tests run as root).
// PENSTOCK_KEEP_TEMP=1 in the environment keeps it for a look at logs.
class TempDir {
 public:
  explicit TempDir(std::string_view label = "test");
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// The whole file; empty when there is none.
std::string ReadFile(const std::filesystem::path& path);
void WriteFile(const std::filesystem::path& path, std::string_view content);

}  // namespace penstock::testing
