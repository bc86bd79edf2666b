#include "services/common/core/random.h"

#include <sys/random.h>

#include <cstdlib>

namespace penstock {
namespace {

class SystemRandom final : public Random {
 public:
  uint64_t Next() override {
    uint64_t value = 0;
    // 8 bytes are never cut short, and the call fails only before the kernel's pool is seeded, when
    // it waits.
    if (getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value)) std::abort();
    return value;
  }
};

}  // namespace

Random& Random::System() {
  static SystemRandom random;
  return random;
}

uint64_t SeededRandom::Next() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace penstock
