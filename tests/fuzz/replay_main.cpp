// Plays a fuzz target without libFuzzer: each file of a folder as it is, cut at every length (of
// its first 2 KiB), and with bytes changed. The changes are the same in each run.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "services/common/core/random.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr size_t kCuts = 2048;
constexpr int kChanges = 2000;

// A copy on the heap of exactly that size, so that the address sanitizer sees a read past its end.
void Play(const std::string& input) {
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

void Replay(const std::string& input) {
  Play(input);
  for (size_t cut = 0; cut < std::min(input.size(), kCuts); ++cut) Play(input.substr(0, cut));
  penstock::SeededRandom random(input.size());
  constexpr uint8_t kEdges[] = {0, 1, 0x7f, 0x80, 0xff};
  for (int i = 0; i < kChanges && !input.empty(); ++i) {
    std::string changed = input;
    for (uint64_t n = 1 + random.Next() % 3; n > 0; --n) {
      const uint64_t pick = random.Next();
      changed[random.Next() % changed.size()] =
          static_cast<char>(pick % 2 == 0 ? kEdges[pick / 2 % std::size(kEdges)] : pick >> 8);
    }
    Play(changed);
  }
}

}  // namespace

int main(int argc, char** argv) {
  int files = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& file : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream in(file.path(), std::ios::binary);
      Replay({std::istreambuf_iterator<char>(in), {}});
      ++files;
    }
  }
  std::cout << files << " files replayed\n";
  return files > 0 ? 0 : 1;
}
