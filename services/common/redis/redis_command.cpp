#include "services/common/redis/redis_command.h"

#include <hiredis/hiredis.h>

#include <new>

namespace penstock {

EncodedRedisCommand RedisCommand::Encode() const {
  std::vector<const char*> words;
  std::vector<size_t> sizes;
  words.reserve(args_.size());
  sizes.reserve(args_.size());
  for (std::string_view arg : args_) {
    words.push_back(arg.data());
    sizes.push_back(arg.size());
  }
  char* bytes = nullptr;
  int size =
      redisFormatCommandArgv(&bytes, static_cast<int>(args_.size()), words.data(), sizes.data());
  if (size < 0) throw std::bad_alloc();
  return {bytes, static_cast<size_t>(size)};
}

}  // namespace penstock
