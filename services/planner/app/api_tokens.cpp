#include "services/planner/app/api_tokens.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sys/stat.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "fmt/format.h"
#include "services/common/core/file.h"
#include "services/common/core/status.h"
#include "services/common/obs/log.h"

namespace penstock::planner {
namespace {

constexpr absl::string_view kScheme = "Bearer ";
constexpr std::string_view kNameless = "api";

bool IsTokenText(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return absl::ascii_isgraph(c); });
}

absl::Status Refusal(std::string_view what) {
  return Error(ErrorCode::kUNAUTHENTICATED,
               fmt::format("{}; send one of the planner's --api-token-file as metadata "
                           "\"authorization: Bearer TOKEN\" (penstock: --token-file or "
                           "PENSTOCK_TOKEN_FILE)",
                           what));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ApiTokens>> ApiTokens::Open(std::string path) {
  std::unique_ptr<ApiTokens> tokens(new ApiTokens(std::move(path)));
  tokens->version_ = VersionOf(tokens->path_);
  PENSTOCK_ASSIGN_OR_RETURN(tokens->tokens_, Read(tokens->path_));
  return tokens;
}

absl::StatusOr<std::string> ApiTokens::CallerOf(std::string_view authorization) {
  if (authorization.empty()) return Refusal("the call has no bearer token");
  if (!absl::StartsWithIgnoreCase(Absl(authorization), kScheme))
    return Refusal("the call's authorization is no bearer token");
  const Digest given = DigestOf(authorization.substr(kScheme.size()));
  const std::lock_guard lock(mutex_);
  ReadIfChanged();
  const Token* found = nullptr;
  for (const Token& token : tokens_) {
    if (CRYPTO_memcmp(token.digest.data(), given.data(), given.size()) == 0) found = &token;
  }
  if (found == nullptr) return Refusal("the call's bearer token is not known");
  return found->name;
}

ApiTokens::Version ApiTokens::VersionOf(const std::string& path) {
  struct stat file{};
  if (stat(path.c_str(), &file) != 0) return {};
  return {.device = file.st_dev,
          .inode = file.st_ino,
          .size = file.st_size,
          .changed_ns = file.st_ctim.tv_sec * 1'000'000'000 + file.st_ctim.tv_nsec};
}

ApiTokens::Digest ApiTokens::DigestOf(std::string_view token) {
  Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest.data());
  return digest;
}

absl::StatusOr<std::vector<ApiTokens::Token>> ApiTokens::Read(const std::string& path) {
  const std::optional<std::string> content = ReadWholeFile(path);
  if (!content.has_value())
    return Error(ErrorCode::kINVALID_CONFIGURATION, fmt::format("{}: can't be read", path));
  std::vector<Token> tokens;
  int line = 0;
  for (absl::string_view text : absl::StrSplit(*content, '\n')) {
    ++line;
    text = absl::StripAsciiWhitespace(text);
    if (text.empty() || text.front() == '#') continue;
    const size_t colon = text.find(':');
    const std::string_view name = colon == text.npos ? kNameless : Std(text.substr(0, colon));
    const std::string_view token = Std(colon == text.npos ? text : text.substr(colon + 1));
    if (!IsTokenText(name) || !IsTokenText(token)) {
      // Without the line's content, which is a secret.
      return Error(
          ErrorCode::kINVALID_CONFIGURATION,
          fmt::format("{}:{}: a line is TOKEN or NAME:TOKEN, both without spaces", path, line));
    }
    tokens.push_back({std::string(name), DigestOf(token)});
  }
  if (tokens.empty())
    return Error(ErrorCode::kINVALID_CONFIGURATION,
                 fmt::format("{}: there is no token; a line is TOKEN or NAME:TOKEN", path));
  return tokens;
}

void ApiTokens::ReadIfChanged() {
  const Version version = VersionOf(path_);
  if (version == version_) return;
  version_ = version;
  auto tokens = Read(path_);
  if (!tokens.ok()) {
    LogWarning("api_tokens_kept", "the tokens read before stay in force", tokens.status());
    return;
  }
  tokens_ = *std::move(tokens);
  LogInfo("api_tokens_read", "the API's tokens have changed", {{"tokens", tokens_.size()}});
}

}  // namespace penstock::planner
