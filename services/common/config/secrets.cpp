#include "services/common/config/secrets.h"

#include <cstdlib>
#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "services/common/core/file.h"
#include "services/common/core/status.h"

namespace penstock {
namespace {

constexpr std::string_view kSecretPrefix = "secret:";
constexpr std::string_view kEnvPrefix = "env:";
constexpr std::string_view kAllowedVariables = "PENSTOCK_SECRET_";

bool IsFileName(std::string_view name) {
  return !name.empty() && name.find('/') == name.npos && name != "." && name != "..";
}

}  // namespace

absl::StatusOr<Config> Secrets::Resolve(const Config& config) const {
  Config out;
  for (const auto& [field, text] : config) {
    auto value = Resolve(text);
    if (!value.ok()) return WithContext(value.status(), absl::StrCat("config.", field));
    out[field] = *std::move(value);
  }
  return out;
}

absl::StatusOr<std::string> Secrets::Resolve(const std::string& text) const {
  std::string out;
  size_t at = 0;
  for (;;) {
    const size_t begin = text.find("${", at);
    if (begin == std::string::npos) return out + text.substr(at);
    const size_t end = text.find('}', begin);
    if (end == std::string::npos) {
      return Error(ErrorCode::kSECRET_NOT_FOUND, "a reference ${… has no closing brace");
    }
    out += text.substr(at, begin - at);
    PENSTOCK_ASSIGN_OR_RETURN(const std::string value,
                              Fetch(text.substr(begin + 2, end - begin - 2)));
    out += value;
    at = end + 1;
  }
}

absl::StatusOr<std::string> Secrets::Fetch(const std::string& reference) const {
  if (reference.starts_with(kSecretPrefix)) {
    const std::string name = reference.substr(kSecretPrefix.size());
    if (!IsFileName(name)) {
      return Error(ErrorCode::kSECRET_NOT_FOUND,
                   absl::StrCat("${", reference, "}: a secret's name is a file's name"));
    }
    std::optional<std::string> value;
    if (!directory_.empty()) value = ReadWholeFile(absl::StrCat(directory_, "/", name));
    if (!value.has_value()) {
      return Error(ErrorCode::kSECRET_NOT_FOUND,
                   absl::StrCat("there is no secret \"", name,
                                "\"; put it into a file of that name in --secrets-dir"));
    }
    if (value->ends_with('\n')) value->pop_back();
    return *std::move(value);
  }
  if (reference.starts_with(kEnvPrefix)) {
    const std::string name = reference.substr(kEnvPrefix.size());
    const char* value = name.starts_with(kAllowedVariables) ? std::getenv(name.c_str()) : nullptr;
    if (value != nullptr) return std::string(value);
    return Error(ErrorCode::kSECRET_NOT_FOUND,
                 absl::StrCat("the environment has no ", name, ", or its name doesn't start with ",
                              Absl(kAllowedVariables)));
  }
  return Error(ErrorCode::kSECRET_NOT_FOUND,
               absl::StrCat("${", reference, "} is neither ${secret:…} nor ${env:…}"));
}

}  // namespace penstock
