#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/core/clock.h"
#include "services/common/core/error_codes.h"
#include "services/common/net/proxy.h"
#include "services/common/net/url.h"

// An HTTP/1.1 client over TCP or TLS that says exactly what is known of a request that failed: that
// no byte of it left, or that it may have been carried out. It follows no redirect and sends
// nothing twice of its own accord.
namespace penstock {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method = "POST";
  Origin origin;
  std::string target = "/";  // path and query, encoded
  // Without Host and Content-Length. Values hold no CR or LF (the request would not be sent).
  HttpHeaders headers;
  // Sent one after the other, not copied. They must stay valid until Send() has returned.
  std::vector<std::string_view> body;
  // The whole attempt ends by then, on CLOCK_BOOTTIME: connecting, writing and reading.
  BootTime deadline;
  // Asked directly before every write of bytes of the request; false: nothing more is written.
  // Absent: always.
  std::function<bool()> may_write;
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;
  std::string body;
  // The first header of that name, whatever its case; "" when there is none.
  std::string_view Header(std::string_view name) const;
};

struct HttpFailure {
  enum class Kind : uint8_t {
    kNotSent,     // name, connection or TLS failed before the first byte of the request
    kUnanswered,  // some of it was written, and no whole answer came
  };
  Kind kind = Kind::kNotSent;
  // DESTINATION_UNREACHABLE, _TIMEOUT, _TLS_FAILED, _UNAVAILABLE (cut off), _BAD_ANSWER (not HTTP,
  // cut short, too large), INVALID_CONFIGURATION (a proxy refuses), GRANT_REFUSED (may_write said
  // no), INVALID_REQUEST (a header with CR).
  ErrorCode code = ErrorCode::kDESTINATION_UNREACHABLE;
  std::string message;
};

using HttpResult = std::variant<HttpResponse, HttpFailure>;

struct HttpClientOptions {
  std::string ca_file;                                   // PEM; empty: the system's authorities
  std::string client_certificate_file, client_key_file;  // PEM; both or none
  ProxyRules proxies;
  Duration connect_timeout = std::chrono::seconds(10);  // name, TCP, proxy and TLS together
  Duration idle_timeout = std::chrono::seconds(30);     // unless the server asks for less
  size_t max_idle_per_origin = 64;
  size_t max_connections = 256;  // idle ones included; Send waits when all are in use
  uint32_t max_response_header_bytes = 64 << 10;
  uint64_t max_response_body_bytes = 16 << 20;
  std::string user_agent = "penstock";
};

// Thread-confined: made for one executor that runs one handler at a time (an io_context run by one
// thread, or a strand), on which Send() is awaited and the client destroyed, after all Sends ended.
class HttpClient {
 public:
  // INVALID_CONFIGURATION when a certificate file can't be read.
  static absl::StatusOr<std::unique_ptr<HttpClient>> Create(boost::asio::any_io_executor executor,
                                                            HttpClientOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // One attempt. Every failure is a value; throws nothing but bad_alloc.
  boost::asio::awaitable<HttpResult> Send(HttpRequest request);

  // Connects and closes again: what was found on the way, step by step, for people.
  struct Way {
    std::vector<std::string> steps;
    std::optional<HttpFailure> failure;
  };
  boost::asio::awaitable<Way> Try(Origin origin, BootTime deadline);

  // Connections in use and idle, for metrics and tests.
  size_t connections() const;
  size_t idle_connections() const;

 private:
  class Impl;
  explicit HttpClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock
