#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "services/common/core/utf8.h"

namespace penstock {

// Takes one code point from the front of `text`, which must be well-formed and not empty.
uint32_t TakeUtf8(std::string_view& text);
void AppendUtf8(std::string& out, uint32_t code);

// Whether this machine has the tables that the two below need (locale C.UTF-8, part of Debian's
// libc-bin).
bool HasUnicodeTables();
// Appends `text`, well-formed UTF-8, with every letter of any script in lower or upper case, one
// code point for one (so "ß" stays).
void AppendLower(std::string& out, std::string_view text);
void AppendUpper(std::string& out, std::string_view text);

// Appends it with the first letter of each word in title case and the others in lower case. A word
// is a run of letters, digits and combining marks, as for PostgreSQL's initcap.
void AppendTitle(std::string& out, std::string_view text);

// Without white space (Unicode's White_Space) at both ends.
std::string_view Trim(std::string_view text);

}  // namespace penstock
