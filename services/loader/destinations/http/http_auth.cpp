#include "services/loader/destinations/http/http_auth.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "fmt/format.h"
#include "services/common/core/percent_encode.h"
#include "services/common/core/status.h"
#include "services/common/model/auth.h"

namespace penstock::loader {

namespace asio = boost::asio;

namespace {

// Shorter ones would mask every other word.
constexpr size_t kShortestSecret = 4;
constexpr std::string_view kBearer = "Bearer ";

absl::Status CheckFields(const AuthType& type, const Config& auth) {
  for (const AuthField& field : type.fields) {
    const auto found = auth.find(std::string(field.name));
    if (field.required && (found == auth.end() || found->second.empty())) {
      return Error(ErrorCode::kINVALID_CONFIGURATION,
                   fmt::format("auth.{} is missing; type {} needs it", field.name, type.name));
    }
  }
  return absl::OkStatus();
}

void AddQuery(const std::string& query, std::string& target) {
  target.append(target.find('?') == std::string::npos ? "?" : "&").append(query);
}

void MaskSecret(std::string_view secret, std::string& text) {
  if (secret.size() < kShortestSecret || secret == kMask) return;
  for (size_t at = text.find(secret); at != std::string::npos;
       at = text.find(secret, at + kMask.size())) {
    text.replace(at, secret.size(), kMask);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpAuth>> HttpAuth::Make(const Config& auth,
                                                         std::vector<std::string> secrets,
                                                         std::shared_ptr<OAuthToken> token,
                                                         const Clock& clock) {
  std::unique_ptr<HttpAuth> out(new HttpAuth(clock));
  out->secrets_ = std::move(secrets);
  out->token_ = std::move(token);
  PENSTOCK_RETURN_IF_ERROR(out->Read(auth));
  return out;
}

absl::Status HttpAuth::Read(const Config& auth) {
  const auto found = auth.find("type");
  const std::string name = found == auth.end() ? "none" : found->second;
  const AuthType* type = FindAuthType(name);
  if (type == nullptr) {
    return Error(ErrorCode::kINVALID_CONFIGURATION, fmt::format("auth.type {} is unknown", name));
  }
  PENSTOCK_RETURN_IF_ERROR(CheckFields(*type, auth));
  const auto secret = [&](const char* field) {
    secrets_.push_back(auth.at(field));
    return secrets_.back();
  };
  if (name == "bearer") {
    header_.emplace("Authorization", std::string(kBearer) + secret("token"));
  } else if (name == "basic") {
    const std::string pair = absl::Base64Escape(auth.at("user") + ":" + secret("password"));
    secrets_.push_back(pair);
    header_.emplace("Authorization", "Basic " + pair);
  } else if (name == "api_key") {
    const auto place = auth.find("in");
    const std::string key = secret("key");
    if (place != auth.end() && place->second == "query") {
      query_name_ = PercentEncode(auth.at("name"));
      query_ = query_name_ + "=" + PercentEncode(key);
      secrets_.push_back(PercentEncode(key));
    } else {
      header_.emplace(auth.at("name"), key);
    }
  } else if (name == "hmac") {
    secret("secret");
    PENSTOCK_ASSIGN_OR_RETURN(signer_, HmacSigner::Make(auth));
  } else if (name == "oauth2") {
    secret("client_secret");
  }
  return absl::OkStatus();
}

asio::awaitable<std::optional<Answer>> HttpAuth::Prove(HttpRequest& request, std::string_view key) {
  if (token_) {
    auto got = co_await token_->Get(request.deadline);
    if (auto* failure = std::get_if<Answer>(&got)) {
      Mask(failure->message);
      co_return std::move(*failure);
    }
    request.headers.emplace_back("Authorization",
                                 std::string(kBearer) + std::get<std::string>(got));
  }
  if (header_) request.headers.push_back(*header_);
  if (!query_.empty()) AddQuery(query_, request.target);
  if (signer_) {
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(clock_.Wall().time_since_epoch());
    const std::string timestamp = std::to_string(seconds.count());
    std::string body;
    for (const std::string_view part : request.body) body += part;
    for (auto& header : signer_->Sign({body, timestamp, key})) {
      request.headers.push_back(std::move(header));
    }
  }
  co_return std::nullopt;
}

void HttpAuth::Refused(const HttpRequest& request) {
  if (!token_) return;
  for (const auto& [name, value] : request.headers) {
    if (name == "Authorization") token_->Refused(value.substr(kBearer.size()));
  }
}

std::string HttpAuth::ShownTarget(std::string target) const {
  if (!query_.empty()) AddQuery(fmt::format("{}={}", query_name_, kMask), target);
  return target;
}

void HttpAuth::Mask(std::string& text) const {
  for (const std::string& secret : secrets_) MaskSecret(secret, text);
  if (token_) MaskSecret(token_->current(), text);
}

}  // namespace penstock::loader
