#include "services/common/core/file.h"

#include <array>
#include <fstream>

namespace penstock {

std::optional<std::string> ReadWholeFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string content;
  std::array<char, 16 << 10> block;
  while (file.read(block.data(), block.size()) || file.gcount() > 0) {
    content.append(block.data(), static_cast<size_t>(file.gcount()));
  }
  if (!file.eof()) return std::nullopt;
  return content;
}

}  // namespace penstock
