#pragma once

#include <concepts>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace penstock {

// A command as it goes over the wire.
class EncodedRedisCommand {
 public:
  EncodedRedisCommand() = default;
  // Takes a buffer that malloc made.
  EncodedRedisCommand(char* bytes, size_t size) : bytes_(bytes), size_(size) {}
  std::string_view bytes() const { return {bytes_.get(), size_}; }

 private:
  struct Free {
    void operator()(char* p) const { std::free(p); }
  };
  std::unique_ptr<char, Free> bytes_;
  size_t size_ = 0;
};

// The words of a command. Strings are borrowed until Encode(), numbers are kept:
//   RedisCommand("XADD", stream, "*", "body", body)
class RedisCommand {
 public:
  template <typename... Args>
  explicit RedisCommand(const Args&... args) {
    args_.reserve(sizeof...(Args));
    (Add(args), ...);
  }
  RedisCommand& Add(std::string_view word) {
    args_.push_back(word);
    return *this;
  }
  template <std::integral T>
  RedisCommand& Add(T number) {
    return Add(std::string_view(numbers_.emplace_back(std::to_string(number))));
  }
  RedisCommand(const RedisCommand&) = delete;
  RedisCommand& operator=(const RedisCommand&) = delete;

  EncodedRedisCommand Encode() const;

 private:
  std::vector<std::string_view> args_;
  std::deque<std::string> numbers_;  // a deque: views into it stay valid
};

}  // namespace penstock
