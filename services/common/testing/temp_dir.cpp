#include "services/common/testing/temp_dir.h"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

namespace penstock::testing {

namespace fs = std::filesystem;

TempDir::TempDir(std::string_view label) {
  std::string pattern =
      (fs::temp_directory_path() / ("penstock-" + std::string(label) + "-XXXXXX")).string();
  if (mkdtemp(pattern.data()) == nullptr)
    throw std::system_error(errno, std::generic_category(), "mkdtemp " + pattern);
  chmod(pattern.c_str(), 0711);
  path_ = pattern;
}

TempDir::~TempDir() {
  if (std::getenv("PENSTOCK_KEEP_TEMP") != nullptr) return;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void WriteFile(const fs::path& path, std::string_view content) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  if (!out.flush()) throw std::runtime_error("can't write " + path.string());
}

}  // namespace penstock::testing
