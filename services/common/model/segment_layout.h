#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// The numbers of a segment's byte layout (docs/formats.md, "Segments"), shared by its builder and
// its view.
namespace penstock::segment_layout {

inline constexpr std::string_view kMagic = "PSS1";
inline constexpr uint16_t kVersion = 1;
inline constexpr uint8_t kWithIdentity = 1;
inline constexpr size_t kHeaderSize = 4 + 2 + 1 + 1 + 8 + 4 + 4;
inline constexpr size_t kKeySize = 16;
inline constexpr size_t kRowSize = 8;
inline constexpr size_t kSparseSize = 12;
inline constexpr size_t kDeferralSize = 20;
inline constexpr size_t kChecksumSize = 8;
inline constexpr uint64_t kInDoubt = uint64_t{1} << 63;
inline constexpr uint64_t kTombstone = ~uint64_t{0};
inline constexpr uint16_t kRemoval = 1;
inline constexpr uint16_t kCleared = 2;

}  // namespace penstock::segment_layout
