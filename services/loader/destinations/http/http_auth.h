#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "services/common/core/clock.h"
#include "services/common/model/resources.h"
#include "services/common/net/http_client.h"
#include "services/loader/destinations/http/hmac_signature.h"
#include "services/loader/destinations/http/oauth_token.h"
#include "services/loader/domain/answer.h"

namespace penstock::loader {

// What stands in place of a secret where people look.
inline constexpr std::string_view kMask = "********";

// Proves who sends, in the way of a connector's or Destination's `auth` (model/auth.h), whose
// references are resolved. Thread-confined.
class HttpAuth {
 public:
  // `secrets`: what else must not be shown. `token`: of type oauth2, else null.
  // INVALID_CONFIGURATION naming what is missing; never with a value.
  static absl::StatusOr<std::unique_ptr<HttpAuth>> Make(const Config& auth,
                                                        std::vector<std::string> secrets,
                                                        std::shared_ptr<OAuthToken> token,
                                                        const Clock& clock);

  // Adds to the request what proves it; its body is complete. `key`: the request's idempotency key.
  // An answer when there is no proof to be had: nothing is to be sent then.
  boost::asio::awaitable<std::optional<Answer>> Prove(HttpRequest& request, std::string_view key);

  // The destination answered 401 to a request with this proof.
  void Refused(const HttpRequest& request);

  // `target` with what Prove adds to it, masked.
  std::string ShownTarget(std::string target) const;
  // With a mask in place of the secrets that it may hold: destinations repeat what they were sent.
  void Mask(std::string& text) const;

  const OAuthToken* token() const { return token_.get(); }
  // Requests carry the time of this machine.
  bool tells_time() const { return signer_ && signer_->tells_time(); }

 private:
  explicit HttpAuth(const Clock& clock) : clock_(clock) {}
  absl::Status Read(const Config& auth);

  const Clock& clock_;
  std::optional<std::pair<std::string, std::string>> header_;
  std::string query_name_, query_;  // query_: "name=value", encoded
  std::optional<HmacSigner> signer_;
  std::shared_ptr<OAuthToken> token_;
  std::vector<std::string> secrets_;
};

}  // namespace penstock::loader
