#include "services/common/values/decimal.h"

#include <algorithm>
#include <charconv>

namespace penstock {
namespace {

// Numeric's most digits before the point are 131072, those behind it 16383; what a JSON exponent
// could ask for beyond is memory for nothing.
constexpr int64_t kMaxPlaces = 150'000;

std::string_view TakeDigits(std::string_view& text) {
  const std::string_view digits = text.substr(0, text.find_first_not_of("0123456789"));
  text.remove_prefix(digits.size());
  return digits;
}

void DropLeadingZeros(Decimal& number) {
  const size_t zeros = std::min(number.digits.find_first_not_of('0'), number.digits.size());
  number.digits.erase(0, zeros);
  number.point -= static_cast<int64_t>(zeros);
}

// Adds one to the last digit.
void Increment(Decimal& number) {
  for (auto digit = number.digits.rbegin(); digit != number.digits.rend(); ++digit) {
    if (*digit != '9') {
      ++*digit;
      return;
    }
    *digit = '0';
  }
  number.digits.insert(number.digits.begin(), '1');
  ++number.point;
}

}  // namespace

bool ReadDecimal(std::string_view number, Decimal& out) {
  out.negative = number.starts_with('-');
  if (out.negative) number.remove_prefix(1);
  const std::string_view whole = TakeDigits(number);
  out.digits.assign(whole);
  out.point = static_cast<int64_t>(whole.size());
  if (number.starts_with('.')) {
    number.remove_prefix(1);
    out.digits += TakeDigits(number);
  }
  if (out.digits.empty()) return false;
  if (number.starts_with('e') || number.starts_with('E')) {
    number.remove_prefix(number.substr(1).starts_with('+') ? 2 : 1);
    int64_t exponent = 0;
    auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), exponent);
    if (error != std::errc() || end == number.data()) return false;
    number.remove_prefix(static_cast<size_t>(end - number.data()));
    if (exponent > kMaxPlaces || exponent < -kMaxPlaces) return false;
    out.point += exponent;
  }
  DropLeadingZeros(out);
  return number.empty() && out.point <= kMaxPlaces && out.scale() <= kMaxPlaces;
}

void Round(Decimal& number, int64_t places) {
  if (places >= number.scale()) return;
  const int64_t kept = number.point + places;
  const bool up = kept >= 0 && number.digits[static_cast<size_t>(kept)] >= '5';
  number.digits.resize(static_cast<size_t>(std::max<int64_t>(kept, 0)));
  number.point = std::max(number.point, -places);
  if (up) {
    Increment(number);
  } else if (number.digits.empty()) {
    number.point = std::min<int64_t>(number.point, 0);
  }
}

void AppendDecimal(std::string& out, const Decimal& number) {
  if (number.negative && !number.zero()) out += '-';
  const auto size = static_cast<int64_t>(number.digits.size());
  const auto before = static_cast<size_t>(std::clamp<int64_t>(number.point, 0, size));
  out.append(number.digits, 0, before);
  if (number.point <= 0) {
    out += '0';
  } else if (number.point > size) {
    out.append(static_cast<size_t>(number.point - size), '0');
  }
  if (number.scale() <= 0) return;
  out += '.';
  if (number.point < 0) out.append(static_cast<size_t>(-number.point), '0');
  out.append(number.digits, before);
}

bool SameNumber(std::string_view a, std::string_view b) {
  if (a == b) return true;
  Decimal left, right;
  if (!ReadDecimal(a, left) || !ReadDecimal(b, right)) return false;
  const auto strip = [](Decimal& number) {
    number.digits.erase(number.digits.find_last_not_of('0') + 1);
  };
  strip(left);
  strip(right);
  if (left.digits != right.digits) return false;
  return left.digits.empty() || (left.negative == right.negative && left.point == right.point);
}

}  // namespace penstock
