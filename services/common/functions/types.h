#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "services/common/values/value.h"

// What a value of a mapping may be, as far as it is known before a row is read: a set of types. A
// column of JSON may hold any of them.
namespace penstock {

using Types = uint16_t;

namespace types {

inline constexpr Types kNone = 0;
inline constexpr Types kInteger = 1 << 0;
inline constexpr Types kNumber = 1 << 1;
inline constexpr Types kBoolean = 1 << 2;
inline constexpr Types kText = 1 << 3;
inline constexpr Types kDate = 1 << 4;
inline constexpr Types kTimestamp = 1 << 5;
inline constexpr Types kList = 1 << 6;
inline constexpr Types kObject = 1 << 7;

inline constexpr Types kNumeric = kInteger | kNumber;
inline constexpr Types kTemporal = kText | kDate | kTimestamp;
inline constexpr Types kScalar = kNumeric | kBoolean | kTemporal;
inline constexpr Types kAny = kScalar | kList | kObject;

}  // namespace types

// "an integer", "a date or a timestamp", "anything".
std::string Describe(Types set);

// The type of a value in hand; a date is a text by then.
Types TypesOf(const Value& value);

}  // namespace penstock
