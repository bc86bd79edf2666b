#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace penstock::state {

// The most levels above the base that a reader looks through (design of the diff).
inline constexpr size_t kMaxNewerLevels = 8;

// A run of adjacent levels to be merged into one: indexes [first, last] of a manifest, base first.
struct LevelMerge {
  size_t first = 0;
  size_t last = 0;
  bool into_base() const { return first == 0; }
};

// What to merge next in a manifest whose levels have these sizes (entries, base first), or nothing.
// The newer levels go into the base when together they reach a quarter of it; else neighbours of
// like size become one, so that each entry is rewritten about log(size) times.
std::optional<LevelMerge> NextMerge(std::span<const uint64_t> entries);

}  // namespace penstock::state
