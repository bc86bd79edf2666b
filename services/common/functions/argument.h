#pragma once

#include <string>

#include "services/common/functions/bind.h"

namespace penstock {

// Reads a constant as an argument of that kind. False, with what it must be, when it is none.
bool ReadArgument(ArgumentKind kind, const Literal& literal, Argument& out, std::string& problem);

// What an optional argument is when it isn't given.
Argument DefaultArgument(ArgumentKind kind);

}  // namespace penstock
