#pragma once

#include <bit>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/extractor/domain/mapping/big_endian.h"
#include "services/extractor/domain/raw_row.h"

namespace penstock::testing {

// Builds a row as a binary COPY gives it.
class BinaryRow {
 public:
  BinaryRow& Bytes(std::string_view value) {
    AppendBig(bytes_, static_cast<int32_t>(value.size()));
    ends_.push_back({bytes_.size(), static_cast<int32_t>(value.size())});
    bytes_ += value;
    return *this;
  }
  BinaryRow& Null() {
    AppendBig(bytes_, int32_t{-1});
    ends_.push_back({bytes_.size(), -1});
    return *this;
  }
  BinaryRow& Text(std::string_view value) { return Bytes(value); }
  BinaryRow& Int(int64_t value) { return Big(value); }
  BinaryRow& Double(double value) { return Big(std::bit_cast<uint64_t>(value)); }
  BinaryRow& Float(float value) { return Big(std::bit_cast<uint32_t>(value)); }
  BinaryRow& Bool(bool value) { return Bytes(value ? std::string(1, '\1') : std::string(1, '\0')); }
  template <typename T>
  BinaryRow& Big(T value) {
    std::string raw;
    AppendBig(raw, value);
    return Bytes(raw);
  }
  // Valid as long as this row lives unchanged.
  RawRow Raw() {
    fields_.clear();
    for (const auto& [at, size] : ends_) fields_.push_back({bytes_.data() + at, size});
    return {bytes_, fields_};
  }

 private:
  struct End {
    size_t at;
    int32_t size;
  };
  std::string bytes_;
  std::vector<End> ends_;
  std::vector<RawField> fields_;
};

// A numeric's binary form of digits in base 10000.
inline std::string Numeric(int16_t weight, uint16_t sign, uint16_t scale,
                           const std::vector<int16_t>& digits) {
  std::string out;
  AppendBig(out, static_cast<int16_t>(digits.size()));
  AppendBig(out, weight);
  AppendBig(out, sign);
  AppendBig(out, scale);
  for (int16_t digit : digits) AppendBig(out, digit);
  return out;
}

}  // namespace penstock::testing
