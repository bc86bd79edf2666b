#include "services/extractor/domain/mapping/numeric.h"

#include "services/extractor/domain/mapping/big_endian.h"

namespace penstock {
namespace {

constexpr uint16_t kNegative = 0x4000;
constexpr uint16_t kNaN = 0xC000;
constexpr uint16_t kPositiveInfinity = 0xD000;
constexpr uint16_t kNegativeInfinity = 0xF000;
constexpr int kDigits = 4;  // decimal digits of one digit of base 10000

void AppendGroup(std::string& out, int group) {
  char text[kDigits];
  for (int i = kDigits - 1; i >= 0; --i) {
    text[i] = static_cast<char>('0' + group % 10);
    group /= 10;
  }
  out.append(text, kDigits);
}

}  // namespace

MaybeError DecodeNumeric(std::string_view bytes, std::string& scratch, Value& out) {
  constexpr size_t kHeader = 8;
  ValueError malformed = NotRepresentable("its bytes are not those of a numeric");
  if (bytes.size() < kHeader) return malformed;
  int count = LoadBig<int16_t>(bytes.data());
  int weight = LoadBig<int16_t>(bytes.data() + 2);
  uint16_t sign = LoadBig<uint16_t>(bytes.data() + 4);
  int scale = LoadBig<uint16_t>(bytes.data() + 6);
  if (sign == kNaN) return NotRepresentable("it is NaN");
  if (sign == kPositiveInfinity || sign == kNegativeInfinity)
    return NotRepresentable("it is infinite");
  if (count < 0 || bytes.size() != kHeader + static_cast<size_t>(count) * 2) return malformed;
  auto group = [&](int i) {
    return i >= 0 && i < count ? LoadBig<int16_t>(bytes.data() + kHeader + ptrdiff_t{2} * i) : 0;
  };
  for (int i = 0; i < count; ++i) {
    if (group(i) < 0 || group(i) > 9999) return malformed;
  }

  scratch.clear();
  if (sign == kNegative) scratch += '-';
  if (weight < 0) {
    scratch += '0';
  } else {
    scratch += std::to_string(group(0));
    for (int i = 1; i <= weight; ++i) AppendGroup(scratch, group(i));
  }
  if (scale > 0) {
    scratch += '.';
    size_t fraction = scratch.size();
    for (int i = weight + 1; static_cast<int>(scratch.size() - fraction) < scale; ++i)
      AppendGroup(scratch, group(i));
    scratch.resize(fraction + static_cast<size_t>(scale));
  }
  out = {scale > 0 ? Value::Kind::kNumber : Value::Kind::kInteger, scratch};
  return std::nullopt;
}

}  // namespace penstock
