#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "services/common/core/clock.h"
#include "services/common/model/resources.h"
#include "services/common/net/http_client.h"
#include "services/loader/domain/answer.h"

namespace penstock::loader {

// An access token by OAuth 2.0 client credentials (RFC 6749 §4.4): fetched when it is first needed,
// again shortly before it ends, and again when the destination refused it. Who needs one while it
// is fetched waits for that one. Thread-confined.
class OAuthToken {
 public:
  // `auth`: of type oauth2 (docs/connectors.md). INVALID_CONFIGURATION.
  static absl::StatusOr<std::shared_ptr<OAuthToken>> Make(boost::asio::any_io_executor executor,
                                                          const Config& auth,
                                                          std::unique_ptr<HttpClient> client,
                                                          const Clock& clock);

  // The token, or the answer that an attempt has without one: nothing was sent to the destination.
  // kUnauthenticated when the token endpoint refuses the client.
  boost::asio::awaitable<std::variant<std::string, Answer>> Get(BootTime deadline);

  // The destination takes this one no more.
  void Refused(const std::string& token);
  // The newest, for whoever must not show it; "" when there is none.
  const std::string& current() const { return token_; }
  // How long the newest was said to be good for when it came; zero: not said.
  Duration lifetime() const { return lifetime_; }

 private:
  struct Waiting;

  OAuthToken(boost::asio::any_io_executor executor, std::unique_ptr<HttpClient> client,
             const Clock& clock)
      : executor_(std::move(executor)), client_(std::move(client)), clock_(clock) {}

  bool usable() const { return !token_.empty() && BootClock::now() < usable_until_; }
  HttpRequest Request(BootTime deadline) const;
  boost::asio::awaitable<std::optional<Answer>> Fetch(BootTime deadline);
  std::optional<Answer> Read(const HttpResponse& response, BootTime asked);

  boost::asio::any_io_executor executor_;
  std::unique_ptr<HttpClient> client_;
  const Clock& clock_;
  BaseUrl url_;
  std::string authorization_;  // the header's value; empty: the client is named in the body
  std::string body_;

  std::string token_;
  BootTime usable_until_{};
  Duration lifetime_{};
  std::shared_ptr<Waiting> waiting_;  // while one is fetched
};

// The tokens of a process by what they are fetched with, shared by whoever has the same
// credentials. Thread-confined.
using OAuthTokens = std::map<Config, std::weak_ptr<OAuthToken>>;

}  // namespace penstock::loader
