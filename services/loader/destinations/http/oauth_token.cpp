#include "services/loader/destinations/http/oauth_token.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>
#include <charconv>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "fmt/format.h"
#include "services/common/core/percent_encode.h"
#include "services/common/core/status.h"
#include "services/loader/domain/json_pointer.h"
#include "services/loader/domain/retry_after.h"

namespace penstock::loader {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

// A token is fetched anew so long before its end: a request with it is under way for a while.
constexpr Duration kEarly = std::chrono::seconds(60);
// … but short-lived ones are used for most of their life.
constexpr int kEarlyPart = 5;
// Where the answer does not say how long it is good for, it is used until it is refused.
constexpr Duration kUnsaid = std::chrono::hours(24 * 365);

Answer Failed(Verdict verdict, ErrorCode code, std::string_view message) {
  Answer answer;
  answer.verdict = verdict;
  answer.answered = true;  // nothing was sent to the destination
  answer.code = code;
  answer.message = BoundMessage(message);
  return answer;
}

std::string TextAt(const json::value& body, std::string_view pointer) {
  const json::value* found = At(body, pointer);
  return found == nullptr || found->is_null() ? std::string() : PlainText(*found);
}

// "invalid_client: The client is unknown", as RFC 6749 §5.2 has it; else the body's beginning.
std::string WordsOf(const HttpResponse& response) {
  json::error_code error;
  const json::value body = json::parse({response.body.data(), response.body.size()}, error);
  if (error || !body.is_object()) return response.body;
  const std::string code = TextAt(body, "/error");
  const std::string description = TextAt(body, "/error_description");
  if (code.empty()) return response.body;
  return description.empty() ? code : code + ": " + description;
}

Duration LifetimeOf(const json::value& body) {
  const std::string text = TextAt(body, "/expires_in");
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool whole = !text.empty() && error == std::errc{} && end == text.data() + text.size();
  return whole ? Duration(std::chrono::seconds(std::clamp<int64_t>(seconds, 0, 366 * 86'400)))
               : Duration::zero();
}

}  // namespace

// Those who wait for a token that one of them fetches.
struct OAuthToken::Waiting {
  bool done = false;
  std::optional<Answer> failure;
  std::list<asio::steady_timer*> timers;
};

absl::StatusOr<std::shared_ptr<OAuthToken>> OAuthToken::Make(asio::any_io_executor executor,
                                                             const Config& auth,
                                                             std::unique_ptr<HttpClient> client,
                                                             const Clock& clock) {
  std::shared_ptr<OAuthToken> out(new OAuthToken(std::move(executor), std::move(client), clock));
  const auto get = [&](const char* name) {
    const auto found = auth.find(name);
    return found == auth.end() ? std::string() : found->second;
  };
  auto url = ParseBaseUrl(get("token_url"));
  if (!url.ok()) return WithContext(url.status(), "auth.token_url");
  out->url_ = *std::move(url);
  out->body_ = "grant_type=client_credentials";
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) out->body_ += fmt::format("&{}={}", name, PercentEncode(value));
  };
  add("scope", get("scope"));
  add("audience", get("audience"));
  if (get("client_auth") == "body") {
    add("client_id", get("client_id"));
    add("client_secret", get("client_secret"));
  } else {
    // RFC 6749 §2.3.1: both are form-encoded before they are joined.
    out->authorization_ = "Basic " + absl::Base64Escape(PercentEncode(get("client_id")) + ":" +
                                                        PercentEncode(get("client_secret")));
  }
  return out;
}

asio::awaitable<std::variant<std::string, Answer>> OAuthToken::Get(BootTime deadline) {
  while (!usable()) {
    if (!waiting_) {
      const auto mine = std::make_shared<Waiting>();
      waiting_ = mine;
      mine->failure = co_await Fetch(deadline);
      mine->done = true;
      waiting_.reset();
      for (asio::steady_timer* timer : mine->timers) timer->cancel();
      if (mine->failure) co_return *mine->failure;
      continue;
    }
    const auto others = waiting_;
    asio::steady_timer timer(executor_,
                             std::max(Duration::zero(), Duration(deadline - BootClock::now())));
    const auto place = others->timers.insert(others->timers.end(), &timer);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    others->timers.erase(place);
    if (!others->done) {
      co_return Failed(
          Verdict::kFailed, ErrorCode::kDESTINATION_TIMEOUT,
          fmt::format("{} gave no token in the time of one attempt", url_.origin.ToString()));
    }
    if (others->failure) co_return *others->failure;
  }
  co_return token_;
}

void OAuthToken::Refused(const std::string& token) {
  if (token == token_) token_.clear();
}

HttpRequest OAuthToken::Request(BootTime deadline) const {
  HttpRequest request;
  request.origin = url_.origin;
  request.target = url_.path.empty() ? "/" : url_.path;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                     {"Accept", "application/json"}};
  if (!authorization_.empty()) request.headers.emplace_back("Authorization", authorization_);
  request.body = {body_};
  request.deadline = deadline;
  return request;
}

asio::awaitable<std::optional<Answer>> OAuthToken::Fetch(BootTime deadline) {
  const BootTime asked = BootClock::now();
  HttpResult result = co_await client_->Send(Request(deadline));
  if (const auto* failure = std::get_if<HttpFailure>(&result)) {
    co_return Failed(Verdict::kFailed, failure->code,
                     fmt::format("no access token: {}", failure->message));
  }
  co_return Read(std::get<HttpResponse>(result), asked);
}

std::optional<Answer> OAuthToken::Read(const HttpResponse& response, BootTime asked) {
  const std::string who = url_.origin.ToString() + url_.path;
  const int status = response.status;
  if (status >= 200 && status < 300) {
    json::error_code error;
    const json::value body = json::parse({response.body.data(), response.body.size()}, error);
    std::string token = error ? std::string() : TextAt(body, "/access_token");
    const std::string type = error ? std::string() : TextAt(body, "/token_type");
    if (token.empty() || (!type.empty() && absl::AsciiStrToLower(type) != "bearer")) {
      return Failed(Verdict::kFailed, ErrorCode::kDESTINATION_BAD_ANSWER,
                    fmt::format("{} answers without a bearer access_token; see whether "
                                "auth.token_url leads to the token endpoint",
                                who));
    }
    token_ = std::move(token);
    lifetime_ = LifetimeOf(body);
    const Duration early = std::min(kEarly, lifetime_ / kEarlyPart);
    usable_until_ = asked + (lifetime_ > Duration::zero() ? lifetime_ - early : kUnsaid);
    return std::nullopt;
  }
  Answer out;
  if (status == 429 || status == 408 || status >= 500) {
    out = Failed(
        status == 429 ? Verdict::kRateLimited : Verdict::kFailed,
        status == 429 ? ErrorCode::kDESTINATION_RATE_LIMITED : ErrorCode::kDESTINATION_UNAVAILABLE,
        fmt::format("{} gives no access token: HTTP status {}", who, status));
    out.retry_after =
        ReadRetryAfter([&](std::string_view name) { return response.Header(name); }, clock_.Wall());
  } else if (status < 400) {
    out = Failed(Verdict::kFailed, ErrorCode::kDESTINATION_REDIRECTED,
                 fmt::format("{} gives no access token but HTTP status {}; redirects are not "
                             "followed, so set auth.token_url to where the token endpoint is",
                             who, status));
  } else {
    out = Failed(Verdict::kUnauthenticated, ErrorCode::kDESTINATION_UNAUTHENTICATED,
                 fmt::format("{} refuses the client credentials: HTTP status {}: {}", who, status,
                             WordsOf(response)));
  }
  return out;
}

}  // namespace penstock::loader
