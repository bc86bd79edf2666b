#include "services/loader/destinations/http/hmac_signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "absl/strings/escaping.h"
#include "fmt/format.h"
#include "services/common/core/status.h"

namespace penstock::loader {
namespace {

constexpr std::string_view kWords[] = {"body", "timestamp", "key", "signature"};

std::string Get(const Config& auth, const std::string& name, const std::string& otherwise) {
  const auto found = auth.find(name);
  return found == auth.end() ? otherwise : found->second;
}

absl::StatusOr<std::vector<ManifestPiece>> Split(const std::string& field,
                                                 const std::string& text) {
  std::vector<std::string> problems;
  std::vector<ManifestPiece> pieces = SplitManifestText(text, problems, kWords);
  for (const ManifestPiece& piece : pieces) {
    const bool known =
        std::find(std::begin(kWords), std::end(kWords), piece.text) != std::end(kWords);
    if (piece.is_word && !known) problems.push_back("$" + piece.text + " is unknown");
  }
  if (problems.empty()) return pieces;
  return Error(ErrorCode::kINVALID_CONFIGURATION,
               fmt::format("auth.{}: {}", field, problems.front()));
}

absl::StatusOr<std::string> SecretOf(const Config& auth) {
  const std::string text = Get(auth, "secret", "");
  if (Get(auth, "secret_encoding", "text") == "text") return text;
  std::string secret;
  if (absl::Base64Unescape(text, &secret) && !secret.empty()) return secret;
  return Error(
      ErrorCode::kINVALID_CONFIGURATION,
      "auth.secret is no base64, which auth.secret_encoding says that it is; a mark before "
      "it (whsec_) does not belong to it");
}

bool HoldsTime(const std::vector<ManifestPiece>& pieces) {
  return std::any_of(pieces.begin(), pieces.end(), [](const ManifestPiece& piece) {
    return piece.is_word && piece.text == "timestamp";
  });
}

std::string Fill(const std::vector<ManifestPiece>& pieces, const SignedRequest& request,
                 std::string_view signature) {
  std::string out;
  for (const ManifestPiece& piece : pieces) {
    if (!piece.is_word) {
      out += piece.text;
    } else if (piece.text == "body") {
      out += request.body;
    } else if (piece.text == "timestamp") {
      out += request.timestamp;
    } else if (piece.text == "key") {
      out += request.key;
    } else {
      out += signature;
    }
  }
  return out;
}

}  // namespace

absl::StatusOr<HmacSigner> HmacSigner::Make(const Config& auth) {
  HmacSigner out;
  PENSTOCK_ASSIGN_OR_RETURN(out.secret_, SecretOf(auth));
  out.header_ = Get(auth, "header", "");
  out.timestamp_header_ = Get(auth, "timestamp_header", "");
  out.algorithm_ = Get(auth, "algorithm", "sha256");
  out.encoding_ = Get(auth, "encoding", "hex");
  PENSTOCK_ASSIGN_OR_RETURN(out.signed_, Split("signed", Get(auth, "signed", "$body")));
  PENSTOCK_ASSIGN_OR_RETURN(out.value_, Split("value", Get(auth, "value", "$signature")));
  out.tells_time_ = !out.timestamp_header_.empty() || HoldsTime(out.value_);
  return out;
}

std::string HmacSigner::Signature(const SignedRequest& request) const {
  const std::string text = Fill(signed_, request, "");
  const EVP_MD* digest = algorithm_ == "sha1"     ? EVP_sha1()
                         : algorithm_ == "sha512" ? EVP_sha512()
                                                  : EVP_sha256();
  unsigned char code[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  // It fails only for want of memory.
  HMAC(digest, secret_.data(), static_cast<int>(secret_.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), code, &size);
  const absl::string_view bytes(reinterpret_cast<const char*>(code), size);
  return encoding_ == "base64" ? absl::Base64Escape(bytes) : absl::BytesToHexString(bytes);
}

std::vector<std::pair<std::string, std::string>> HmacSigner::Sign(
    const SignedRequest& request) const {
  std::vector<std::pair<std::string, std::string>> headers;
  headers.emplace_back(header_, Fill(value_, request, Signature(request)));
  if (!timestamp_header_.empty()) headers.emplace_back(timestamp_header_, request.timestamp);
  return headers;
}

}  // namespace penstock::loader
