#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace penstock {

// Bit i mod 8 of byte i / 8; false beyond the end.
inline bool BitAt(std::string_view bits, size_t i) {
  return i / 8 < bits.size() && ((static_cast<unsigned char>(bits[i / 8]) >> (i % 8)) & 1) != 0;
}

// Sets bit i, growing `bits` with zeros up to it.
inline void SetBit(std::string& bits, size_t i) {
  if (i / 8 >= bits.size()) bits.resize(i / 8 + 1, '\0');
  bits[i / 8] = static_cast<char>(static_cast<unsigned char>(bits[i / 8]) | (1u << (i % 8)));
}

// Adds every bit of `other` to `bits`.
inline void UniteBits(std::string& bits, std::string_view other) {
  if (bits.size() < other.size()) bits.resize(other.size(), '\0');
  for (size_t i = 0; i < other.size(); ++i) bits[i] = static_cast<char>(bits[i] | other[i]);
}

}  // namespace penstock
