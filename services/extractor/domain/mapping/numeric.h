#pragma once

#include <string>
#include <string_view>

#include "services/common/values/value.h"

namespace penstock {

// Turns numeric's binary form (i16 count, i16 weight, u16 sign, u16 scale, then that many digits of
// base 10000) into decimal text in `scratch`: every digit, and `scale` digits behind the point.
MaybeError DecodeNumeric(std::string_view bytes, std::string& scratch, Value& out);

}  // namespace penstock
