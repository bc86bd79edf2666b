#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

// PostgreSQL's binary forms are big-endian.
namespace penstock {

template <typename T>
T LoadBig(const char* at) {
  std::make_unsigned_t<T> value;
  std::memcpy(&value, at, sizeof value);
  if constexpr (sizeof value == 2) value = __builtin_bswap16(value);
  if constexpr (sizeof value == 4) value = __builtin_bswap32(value);
  if constexpr (sizeof value == 8) value = __builtin_bswap64(value);
  return static_cast<T>(value);
}

template <typename T>
void AppendBig(std::string& out, T value) {
  value = LoadBig<T>(reinterpret_cast<const char*>(&value));
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace penstock
