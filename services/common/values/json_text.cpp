#include "services/common/values/json_text.h"

#include <charconv>
#include <cstdint>
#include <cstring>

#include "services/common/values/utf8.h"

namespace penstock {
namespace {

constexpr int kMaxDepth = 512;

// Reads one JSON text from the front; every method returns false at the first wrong byte.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  void SkipSpace() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }
  char Peek() const { return at_ < end_ ? *at_ : '\0'; }
  bool Take(char c) {
    if (Peek() != c || at_ == end_) return false;
    ++at_;
    return true;
  }
  bool done() const { return at_ == end_; }
  const char* at() const { return at_; }

  // Skips one value and the space around it; `out` is the value without that space.
  bool Skip(std::string_view* out, int depth = 0) {
    SkipSpace();
    const char* begin = at_;
    if (!SkipBare(depth)) return false;
    if (out != nullptr) *out = {begin, static_cast<size_t>(at_ - begin)};
    SkipSpace();
    return true;
  }

  // Skips a string; `out` is what stands between the quotes.
  bool SkipString(std::string_view* out) {
    if (!Take('"')) return false;
    const char* begin = at_;
    while (at_ < end_ && *at_ != '"') {
      if (static_cast<unsigned char>(*at_) < 0x20) return false;
      if (*at_ == '\\' && !SkipEscape()) return false;
      ++at_;
    }
    if (out != nullptr) *out = {begin, static_cast<size_t>(at_ - begin)};
    return Take('"');
  }

 private:
  bool SkipEscape() {
    ++at_;
    if (at_ == end_) return false;
    if (*at_ != 'u') return std::strchr("\"\\/bfnrt", *at_) != nullptr && *at_ != '\0';
    for (int i = 0; i < 4; ++i) {
      ++at_;
      if (at_ == end_ || std::isxdigit(static_cast<unsigned char>(*at_)) == 0) return false;
    }
    return true;
  }

  bool SkipDigits() {
    const char* begin = at_;
    while (at_ < end_ && *at_ >= '0' && *at_ <= '9') ++at_;
    return at_ != begin;
  }

  bool SkipNumber() {
    Take('-');
    if (!Take('0') && !SkipDigits()) return false;
    if (Take('.') && !SkipDigits()) return false;
    if (Peek() == 'e' || Peek() == 'E') {
      ++at_;
      if (!Take('+')) Take('-');
      return SkipDigits();
    }
    return true;
  }

  bool SkipWord(std::string_view word) {
    if (static_cast<size_t>(end_ - at_) < word.size() || std::string_view(at_, word.size()) != word)
      return false;
    at_ += word.size();
    return true;
  }

  bool SkipBare(int depth) {
    if (depth > kMaxDepth) return false;
    switch (Peek()) {
      case '"':
        return SkipString(nullptr);
      case '{':
        ++at_;
        SkipSpace();
        if (Take('}')) return true;
        do {
          SkipSpace();
          if (!SkipString(nullptr)) return false;
          SkipSpace();
          if (!Take(':') || !Skip(nullptr, depth + 1)) return false;
        } while (Take(','));
        return Take('}');
      case '[':
        ++at_;
        SkipSpace();
        if (Take(']')) return true;
        do {
          if (!Skip(nullptr, depth + 1)) return false;
        } while (Take(','));
        return Take(']');
      case 't':
        return SkipWord("true");
      case 'f':
        return SkipWord("false");
      case 'n':
        return SkipWord("null");
      default:
        return SkipNumber();
    }
  }

  const char* at_;
  const char* end_;
};

uint32_t Hex4(const char* at) {
  uint32_t code = 0;
  std::from_chars(at, at + 4, code, 16);
  return code;
}

// Decodes what stands between a string's quotes. False at a surrogate without its other half.
bool Unescape(std::string_view inner, std::string& out) {
  out.clear();
  for (size_t i = 0; i < inner.size(); ++i) {
    if (inner[i] != '\\') {
      out += inner[i];
      continue;
    }
    char c = inner[++i];
    if (c != 'u') {
      constexpr std::string_view kFrom = "bfnrt", kTo = "\b\f\n\r\t";
      size_t known = kFrom.find(c);
      out += known == kFrom.npos ? c : kTo[known];
      continue;
    }
    uint32_t code = Hex4(inner.data() + i + 1);
    i += 4;
    if (code >= 0xD800 && code < 0xDC00 && inner.substr(i + 1, 2) == "\\u") {
      uint32_t low = Hex4(inner.data() + i + 3);
      if (low < 0xDC00 || low > 0xDFFF) return false;
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      i += 6;
    }
    if (code >= 0xD800 && code <= 0xDFFF) return false;
    AppendUtf8(out, code);
  }
  return true;
}

// The value of an object's key or an array's index; empty when there is none.
std::string_view Member(std::string_view json, const std::string& name, std::string& scratch) {
  Scanner scanner(json);
  scanner.SkipSpace();
  std::string_view found, value;
  if (scanner.Take('{')) {
    scanner.SkipSpace();
    if (scanner.Take('}')) return {};
    do {
      std::string_view key;
      scanner.SkipSpace();
      if (!scanner.SkipString(&key)) return {};
      scanner.SkipSpace();
      if (!scanner.Take(':') || !scanner.Skip(&value)) return {};
      bool same =
          key.find('\\') == key.npos ? key == name : Unescape(key, scratch) && scratch == name;
      if (same) found = value;
    } while (scanner.Take(','));
    return found;
  }
  size_t index = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  if (error != std::errc() || end != name.data() + name.size() || !scanner.Take('[')) return {};
  scanner.SkipSpace();
  if (scanner.Peek() == ']') return {};
  do {
    if (!scanner.Skip(&value)) return {};
    if (index-- == 0) return value;
  } while (scanner.Take(','));
  return {};
}

}  // namespace

bool IsJson(std::string_view text) {
  Scanner scanner(text);
  return scanner.Skip(nullptr) && scanner.done();
}

MaybeError JsonAt(std::string_view json, std::span<const std::string> path, std::string& scratch,
                  Value& out) {
  out = {};
  for (const std::string& name : path) {
    json = Member(json, name, scratch);
    if (json.empty()) return std::nullopt;
  }
  Scanner scanner(json);
  std::string_view text;
  if (!scanner.Skip(&text)) return NotRepresentable("its JSON is nested too deep to be read");
  switch (text.front()) {
    case 'n':
      return std::nullopt;
    case 't':
    case 'f':
      out = {Value::Kind::kBoolean, text};
      return std::nullopt;
    case '{':
    case '[':
      out = {Value::Kind::kJson, text};
      return std::nullopt;
    case '"': {
      std::string_view inner = text.substr(1, text.size() - 2);
      if (inner.find('\\') == inner.npos) {
        out = {Value::Kind::kText, inner};
      } else if (Unescape(inner, scratch)) {
        out = {Value::Kind::kText, scratch};
      } else {
        return NotRepresentable("its JSON string has half of a surrogate pair");
      }
      return std::nullopt;
    }
    default:
      out = {text.find_first_of(".eE") == text.npos ? Value::Kind::kInteger : Value::Kind::kNumber,
             text};
      return std::nullopt;
  }
}

std::vector<std::string_view> JsonElements(std::string_view json) {
  std::vector<std::string_view> out;
  Scanner scanner(json);
  scanner.SkipSpace();
  if (!scanner.Take('[')) return out;
  scanner.SkipSpace();
  if (scanner.Peek() == ']') return out;
  std::string_view element;
  do {
    if (!scanner.Skip(&element)) return out;
    out.push_back(element);
  } while (scanner.Take(','));
  return out;
}

std::vector<JsonMember> JsonMembers(std::string_view json) {
  std::vector<JsonMember> out;
  Scanner scanner(json);
  scanner.SkipSpace();
  if (!scanner.Take('{')) return out;
  scanner.SkipSpace();
  if (scanner.Peek() == '}') return out;
  do {
    std::string_view key;
    JsonMember member;
    scanner.SkipSpace();
    if (!scanner.SkipString(&key) || !Unescape(key, member.key)) return out;
    scanner.SkipSpace();
    if (!scanner.Take(':') || !scanner.Skip(&member.value)) return out;
    out.push_back(std::move(member));
  } while (scanner.Take(','));
  return out;
}

void AppendJsonString(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  size_t clean = 0;  // the start of what needs no escape
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned char c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, clean, i - clean);
    clean = i + 1;
    out += '\\';
    switch (c) {
      case '"':
      case '\\':
        out += static_cast<char>(c);
        break;
      case '\n':
        out += 'n';
        break;
      case '\r':
        out += 'r';
        break;
      case '\t':
        out += 't';
        break;
      default:
        out += "u00";
        out += kHex[c >> 4];
        out += kHex[c & 15];
    }
  }
  out.append(text, clean);
  out += '"';
}

}  // namespace penstock
