#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace penstock {

static_assert(std::endian::native == std::endian::little,
              "formats are written as they lie in memory");

// Appends fixed-size little-endian integers and length-prefixed bytes to a string that the caller
// owns.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}
  template <typename T>
    requires std::is_integral_v<T>
  void Int(T value) {
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void Raw(std::string_view bytes) { out_.append(bytes); }
  // u32 length, then the bytes.
  void Bytes(std::string_view bytes) {
    Int(static_cast<uint32_t>(bytes.size()));
    Raw(bytes);
  }

 private:
  std::string& out_;
};

// Reads what ByteWriter wrote. Never reads past the end: after a short read every value is zero or
// empty and ok() is false, so a caller may check once at the end. Results point into the input.
class ByteReader {
 public:
  explicit ByteReader(std::string_view in) : in_(in) {}
  template <typename T>
    requires std::is_integral_v<T>
  T Int() {
    T value{};
    if (std::string_view raw = Raw(sizeof value); !raw.empty())
      std::memcpy(&value, raw.data(), sizeof value);
    return value;
  }
  std::string_view Raw(size_t n) {
    if (in_.size() < n) {
      ok_ = false;
      in_ = {};
      return {};
    }
    std::string_view raw = in_.substr(0, n);
    in_.remove_prefix(n);
    return raw;
  }
  std::string_view Bytes() { return Raw(Int<uint32_t>()); }
  bool ok() const { return ok_; }
  size_t remaining() const { return in_.size(); }

 private:
  std::string_view in_;
  bool ok_ = true;
};

}  // namespace penstock
