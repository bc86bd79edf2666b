#include "services/loader/destinations/http/http_test.h"

#include <chrono>

#include "fmt/format.h"
#include "services/common/core/status.h"
#include "services/loader/domain/retry_after.h"

namespace penstock::loader {

namespace asio = boost::asio;

namespace {

// Receivers of signed requests allow some minutes; a clock that is kept by NTP is never so far off.
constexpr std::chrono::seconds kMuchSkew{30};

int64_t Milliseconds(Duration length) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(length).count();
}

// One test, told as it goes.
class HttpTest {
 public:
  HttpTest(HttpClient& client, HttpAuth& auth, HttpTestSpec spec, BootTime deadline,
           const Clock& clock)
      : client_(client), auth_(auth), spec_(std::move(spec)), deadline_(deadline), clock_(clock) {}

  asio::awaitable<HttpTestResult> Run() {
    out_.status = co_await Try();
    if (!out_.status.ok()) {
      std::string message(out_.status.message());
      auth_.Mask(message);
      out_.status = Error(*CodeOf(out_.status), message);
    }
    co_return std::move(out_);
  }

 private:
  asio::awaitable<absl::Status> Try() {
    PENSTOCK_CO_ASSIGN_OR_RETURN(base_, ParseBaseUrl(spec_.base_url));
    HttpClient::Way way = co_await client_.Try(base_.origin, deadline_);
    for (std::string& step : way.steps) out_.findings.push_back(std::move(step));
    if (way.failure) co_return Error(way.failure->code, way.failure->message);

    HttpRequest request;
    request.method = "GET";
    request.origin = base_.origin;
    request.target = base_.path + (spec_.test_path.empty() ? "/" : spec_.test_path);
    request.deadline = deadline_;
    const std::optional<Answer> no_proof = co_await auth_.Prove(request, "");
    if (no_proof) co_return Error(no_proof->code, no_proof->message + Check());
    if (auth_.token() != nullptr) TellToken(*auth_.token());
    const BootTime began = BootClock::now();
    const HttpResult result = co_await client_.Send(std::move(request));
    if (const auto* failure = std::get_if<HttpFailure>(&result)) {
      co_return Error(failure->code, failure->message);
    }
    co_return Judge(std::get<HttpResponse>(result), BootClock::now() - began);
  }

  // "; check ${secret:token} (config.access_token)"
  std::string Check() const {
    return spec_.credentials.empty() ? "; check the Destination's auth"
                                     : "; check " + spec_.credentials;
  }

  void TellToken(const OAuthToken& token) {
    const int64_t seconds = Milliseconds(token.lifetime()) / 1000;
    out_.findings.push_back(seconds > 0
                                ? fmt::format("the token endpoint gives a token for {} s", seconds)
                                : "the token endpoint gives a token, and doesn't say for how long");
  }

  std::string Where() const {
    return base_.origin.ToString() + base_.path + (spec_.test_path.empty() ? "/" : spec_.test_path);
  }

  absl::Status Judge(const HttpResponse& response, Duration took) {
    const int status = response.status;
    if (status == 401 || status == 403) {
      const std::string what =
          status == 401 ? "refuses the credentials" : "doesn't let these credentials do this";
      return Error(status == 401 ? ErrorCode::kDESTINATION_UNAUTHENTICATED
                                 : ErrorCode::kDESTINATION_FORBIDDEN,
                   fmt::format("{} {} (HTTP status {}){}, and the rights of its user", Where(),
                               what, status, Check()));
    }
    if (status >= 300 && status < 400) {
      const std::string_view location = response.Header("Location");
      return Error(ErrorCode::kDESTINATION_REDIRECTED,
                   fmt::format("{} redirects to {} (HTTP status {}), and redirects are not "
                               "followed; set base_url to where the API is, or, where only this "
                               "path redirects, name one in config.test_path that does not",
                               Where(), location.substr(0, location.find_first_of("?#")), status));
    }
    if (status >= 500) {
      return Error(ErrorCode::kDESTINATION_UNAVAILABLE,
                   fmt::format("{} answers with HTTP status {}: the destination's operators must "
                               "act",
                               Where(), status));
    }
    if (!spec_.test_path.empty() && status >= 300 && status != 429) {
      return Error(ErrorCode::kINVALID_CONFIGURATION,
                   fmt::format("config.test_path: {} answers with HTTP status {}; name a path that "
                               "answers 2xx to a GET",
                               Where(), status));
    }
    out_.findings.push_back(
        fmt::format("{} answers with HTTP status {} in {} ms, and does not refuse the credentials",
                    Where(), status, Milliseconds(took)));
    if (status == 404) {
      out_.findings.emplace_back(
          "that is usual for the root of an API, but looks like a wrong base_url; "
          "config.test_path names a path to try in its place");
    }
    TellQuota(response);
    TellSkew(response);
    return absl::OkStatus();
  }

  void TellQuota(const HttpResponse& response) {
    for (const std::string prefix : {"RateLimit-", "X-RateLimit-"}) {
      const std::string_view left = response.Header(prefix + "Remaining");
      const std::string_view limit = response.Header(prefix + "Limit");
      if (left.empty() || limit.empty()) continue;
      out_.findings.push_back(BoundMessage(
          fmt::format("it says that {} of {} requests are left for now", left, limit)));
      return;
    }
  }

  void TellSkew(const HttpResponse& response) {
    const std::optional<WallTime> there = ReadHttpDate(response.Header("Date"));
    if (!there) return;
    const auto ahead = std::chrono::duration_cast<std::chrono::seconds>(clock_.Wall() - *there);
    if (std::chrono::abs(ahead) < kMuchSkew) return;
    out_.findings.push_back(fmt::format(
        "this loader's clock is {} s {} the destination's{}; set it by NTP",
        std::chrono::abs(ahead).count(), ahead.count() > 0 ? "ahead of" : "behind",
        auth_.tells_time() ? ", and signatures that carry it may be refused for that" : ""));
  }

  HttpClient& client_;
  HttpAuth& auth_;
  const HttpTestSpec spec_;
  const BootTime deadline_;
  const Clock& clock_;
  BaseUrl base_;
  HttpTestResult out_;
};

}  // namespace

asio::awaitable<HttpTestResult> TestHttpDestination(HttpClient& client, HttpAuth& auth,
                                                    HttpTestSpec spec, BootTime deadline,
                                                    const Clock& clock) {
  HttpTest test(client, auth, std::move(spec), deadline, clock);
  HttpTestResult result = co_await test.Run();
  co_return result;
}

}  // namespace penstock::loader
