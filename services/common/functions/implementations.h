#pragma once

#include "services/common/functions/function.h"

// What the table of functions points to, each group in the file of its name.
namespace penstock::functions {

using Implementation = MaybeError(const FunctionCall& call, Value& value, std::string& out);

// text.cpp
Implementation TrimText;
Implementation Lower;
Implementation Upper;
Implementation Title;
Implementation Slice;
Implementation Replace;
// list.cpp
Implementation Split;
Implementation Join;
Implementation ToJson;
Implementation ParseJson;
// number.cpp
Implementation RoundNumber;
Implementation Abs;
// time.cpp
Implementation DateFormat;
Implementation ToUnix;
Implementation ToIso8601;
// digest.cpp
Implementation Sha256;
Implementation HmacSha256;
// contact.cpp
Implementation E164;
Implementation NormalizeEmail;
// null.cpp
Implementation Default;
Implementation Coalesce;
Implementation NullIf;

}  // namespace penstock::functions
