#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

#include "xxhash.h"

namespace penstock {

// A 128-bit XXH3 hash, ordered as (hi, lo).
struct Hash128 {
  uint64_t hi = 0;
  uint64_t lo = 0;
  friend auto operator<=>(const Hash128&, const Hash128&) = default;
};

inline Hash128 HashBytes128(std::string_view bytes, uint64_t seed) {
  XXH128_hash_t h = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  return {h.high64, h.low64};
}

inline uint64_t HashBytes64(std::string_view bytes, uint64_t seed = 0) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace penstock
