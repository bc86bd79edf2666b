#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock {

// A reply of Redis, owned. Arrays nest (at most seven deep, hiredis' limit).
struct RedisReply {
  enum class Kind : uint8_t { kNil, kInteger, kString, kArray, kError };

  Kind kind = Kind::kNil;
  int64_t integer = 0;
  // The bytes of a string or a status ("OK"), or the text of an error ("NOSCRIPT No matching …").
  std::string text;
  std::vector<RedisReply> array;

  bool IsNil() const { return kind == Kind::kNil; }
  bool IsInteger() const { return kind == Kind::kInteger; }
  bool IsString() const { return kind == Kind::kString; }
  bool IsArray() const { return kind == Kind::kArray; }
  bool IsError() const { return kind == Kind::kError; }
  // An error whose first word is `word`, e.g. "BUSYGROUP".
  bool IsError(std::string_view word) const {
    return IsError() && text.starts_with(word) &&
           (text.size() == word.size() || text[word.size()] == ' ');
  }
};

}  // namespace penstock
