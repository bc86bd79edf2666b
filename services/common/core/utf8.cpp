#include "services/common/core/utf8.h"

namespace penstock {
namespace {

// How many bytes at the front are well-formed.
size_t WellFormed(std::string_view text) {
  const auto* const begin = reinterpret_cast<const unsigned char*>(text.data());
  const unsigned char* const end = begin + text.size();
  const unsigned char* p = begin;
  while (p < end) {
    const unsigned char c = *p;
    if (c < 0x80) {
      ++p;
      continue;
    }
    const int more = c >= 0xC2 && c < 0xE0   ? 1
                     : (c & 0xF0) == 0xE0    ? 2
                     : c >= 0xF0 && c < 0xF5 ? 3
                                             : 0;
    if (more == 0 || end - p <= more) break;
    // The second byte's range excludes overlong forms, surrogates and what is above U+10FFFF.
    const unsigned char low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    bool good = p[1] >= low && p[1] <= high;
    for (int i = 2; i <= more; ++i) good = good && (p[i] & 0xC0) == 0x80;
    if (!good) break;
    p += more + 1;
  }
  return static_cast<size_t>(p - begin);
}

}  // namespace

bool IsUtf8(std::string_view text) {
  return WellFormed(text) == text.size();
}

std::string CleanText(std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string out;
  while (true) {
    const std::string_view good = text.substr(0, WellFormed(text));
    for (size_t at = 0; at < good.size();) {
      const size_t nul = good.find('\0', at);
      out += good.substr(at, nul - at);
      if (nul == good.npos) break;
      out += kReplacement;
      at = nul + 1;
    }
    text.remove_prefix(good.size());
    if (text.empty()) return out;
    out += kReplacement;
    text.remove_prefix(1);
  }
}

std::string_view ClipText(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  size_t end = max_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace penstock
