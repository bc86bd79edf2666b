#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock {

// A decimal number of any size: 0.digits * 10^point, without a double in between. Its digits have
// no zeros in front; zero has none at all.
struct Decimal {
  bool negative = false;
  std::string digits;
  int64_t point = 0;  // digits before the point; negative: zeros between it and the first digit
  int64_t scale() const { return static_cast<int64_t>(digits.size()) - point; }
  bool zero() const { return digits.find_first_not_of('0') == std::string::npos; }
};

// Reads a JSON number. False when it is none, or has more places than PostgreSQL's numeric.
bool ReadDecimal(std::string_view number, Decimal& out);

// Rounds to so many places behind the point (before it, where negative), halves away from zero.
void Round(Decimal& number, int64_t places);

// Appends it without an exponent, with all its digits; a zero has no sign.
void AppendDecimal(std::string& out, const Decimal& number);

// Whether two JSON numbers are the same number: 1, 1.0 and 10e-1 are.
bool SameNumber(std::string_view a, std::string_view b);

}  // namespace penstock
