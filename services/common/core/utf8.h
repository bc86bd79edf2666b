#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace penstock {

// True when the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool IsUtf8(std::string_view text);

// The text as protobuf and PostgreSQL take it: what is not well-formed UTF-8, and NUL, becomes
// U+FFFD. For words that others say: their errors, their pages.
std::string CleanText(std::string_view text);

// The beginning of well-formed `text`, at most so many bytes, cut between two characters.
std::string_view ClipText(std::string_view text, size_t max_bytes);

}  // namespace penstock
