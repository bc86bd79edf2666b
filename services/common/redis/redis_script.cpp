#include "services/common/redis/redis_script.h"

#include <openssl/evp.h>

#include <array>
#include <utility>
#include <vector>

#include "fmt/format.h"

namespace penstock {
namespace {

std::string Sha1Hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

// Owns the words: they are needed again when Redis doesn't know the script.
RedisClient::Result Run(const RedisScript* script, const std::string* source, RedisClient* client,
                        std::vector<std::string> words, size_t keys) {
  auto command = [&](std::string_view verb, std::string_view body) {
    auto built = std::make_unique<RedisCommand>(verb, body, keys);
    for (const std::string& word : words) built->Add(std::string_view(word));
    return built;
  };
  absl::StatusOr<RedisReply> reply = co_await client->Send(*command("EVALSHA", script->sha1()));
  if (!reply.ok() || !reply->IsError("NOSCRIPT")) co_return reply;
  co_return co_await client->Send(*command("EVAL", *source));
}

}  // namespace

RedisScript::RedisScript(std::string source)
    : source_(std::move(source)), sha1_(Sha1Hex(source_)) {}

RedisClient::Result RedisScript::Call(RedisClient& client, std::span<const std::string_view> keys,
                                      std::span<const std::string_view> args) const {
  std::vector<std::string> words;
  words.reserve(keys.size() + args.size());
  words.insert(words.end(), keys.begin(), keys.end());
  words.insert(words.end(), args.begin(), args.end());
  return Run(this, &source_, &client, std::move(words), keys.size());
}

}  // namespace penstock
