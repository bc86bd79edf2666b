#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "services/common/functions/implementations.h"

namespace penstock::functions {
namespace {

void AppendHex(std::string& out, std::span<const unsigned char> bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  for (unsigned char byte : bytes) {
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
}

MaybeError SetDigest(Value& value, std::string& out, std::span<const unsigned char> digest) {
  AppendHex(out, digest);
  value = {Value::Kind::kText, out};
  return std::nullopt;
}

}  // namespace

MaybeError Sha256(const FunctionCall&, Value& value, std::string& out) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(value.text.data(), value.text.size(), digest, &size, EVP_sha256(), nullptr) != 1)
    return ValueError{ErrorCode::kINTERNAL, "SHA-256 is not available"};
  return SetDigest(value, out, std::span(digest, size));
}

MaybeError HmacSha256(const FunctionCall& call, Value& value, std::string& out) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  const std::string& key = call.arguments[0].text;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(value.text.data()), value.text.size(), digest,
           &size) == nullptr)
    return ValueError{ErrorCode::kINTERNAL, "HMAC-SHA-256 is not available"};
  return SetDigest(value, out, std::span(digest, size));
}

}  // namespace penstock::functions
