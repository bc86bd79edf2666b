#include "services/common/values/utf8.h"

#include <clocale>
#include <cwctype>

namespace penstock {
namespace {

locale_t UnicodeTables() {
  static const locale_t tables = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return tables;
}

bool IsSpace(uint32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

template <typename MapWide>
void AppendMapped(std::string& out, std::string_view text, char first, char last, MapWide map) {
  while (!text.empty()) {
    char c = text.front();
    if (static_cast<unsigned char>(c) < 0x80) {
      out += c >= first && c <= last ? static_cast<char>(c ^ 0x20) : c;
      text.remove_prefix(1);
    } else {
      AppendUtf8(out, static_cast<uint32_t>(map(static_cast<wint_t>(TakeUtf8(text)))));
    }
  }
}

}  // namespace

uint32_t TakeUtf8(std::string_view& text) {
  auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[i])); };
  uint32_t c = byte(0);
  size_t length = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
  uint32_t code = length == 1 ? c : c & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) code = code << 6 | (byte(i) & 0x3F);
  text.remove_prefix(length);
  return code;
}

void AppendUtf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      out += static_cast<char>(0xE0 | code >> 12);
    } else {
      out += static_cast<char>(0xF0 | code >> 18);
      out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    }
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
  }
  out += static_cast<char>(0x80 | (code & 0x3F));
}

bool HasUnicodeTables() {
  return UnicodeTables() != locale_t{};
}

void AppendLower(std::string& out, std::string_view text) {
  AppendMapped(out, text, 'A', 'Z', [](wint_t c) { return towlower_l(c, UnicodeTables()); });
}

void AppendUpper(std::string& out, std::string_view text) {
  AppendMapped(out, text, 'a', 'z', [](wint_t c) { return towupper_l(c, UnicodeTables()); });
}

void AppendTitle(std::string& out, std::string_view text) {
  static const wctrans_t title = wctrans_l("totitle", UnicodeTables());
  bool in_word = false;
  while (!text.empty()) {
    const auto c = static_cast<wint_t>(TakeUtf8(text));
    const wint_t mapped =
        in_word ? towlower_l(c, UnicodeTables()) : towctrans_l(c, title, UnicodeTables());
    AppendUtf8(out, static_cast<uint32_t>(mapped));
    in_word = iswalnum_l(c, UnicodeTables()) != 0;
  }
}

std::string_view Trim(std::string_view text) {
  while (!text.empty()) {
    std::string_view rest = text;
    if (!IsSpace(TakeUtf8(rest))) break;
    text = rest;
  }
  while (!text.empty()) {
    size_t start = text.size() - 1;
    while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
    std::string_view last = text.substr(start);
    if (!IsSpace(TakeUtf8(last))) break;
    text.remove_suffix(text.size() - start);
  }
  return text;
}

}  // namespace penstock
