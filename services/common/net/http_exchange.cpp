#include "services/common/net/http_exchange.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http.hpp>
#include <charconv>

#include "fmt/format.h"

namespace penstock::net_internal {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

bool IsPlain(std::string_view text, bool spaces) {
  return std::all_of(text.begin(), text.end(), [spaces](unsigned char c) {
    return (c > 0x20 && c != 0x7f) || (spaces && (c == ' ' || c == '\t'));
  });
}

std::string Head(const HttpRequest& request, const HttpClientOptions& options) {
  size_t body = 0;
  for (const std::string_view part : request.body) body += part.size();
  // A proxy passes plain HTTP on by the absolute form (RFC 9112 §3.2.2); TLS goes through a tunnel.
  const Proxy* proxy = request.origin.tls ? nullptr : options.proxies.For(request.origin);
  const std::string target =
      proxy == nullptr ? request.target : request.origin.ToString() + request.target;
  std::string head = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {}\r\n", request.method,
                                 target, request.origin.HostHeader(), options.user_agent);
  if (proxy != nullptr && !proxy->authorization.empty()) {
    head += fmt::format("Proxy-Authorization: {}\r\n", proxy->authorization);
  }
  for (const auto& [name, value] : request.headers) {
    head.append(name).append(": ").append(value).append("\r\n");
  }
  if (body > 0 || (request.method != "GET" && request.method != "HEAD")) {
    head += fmt::format("Content-Length: {}\r\n", body);
  }
  return head + "\r\n";
}

template <typename Buffers>
asio::awaitable<size_t> WriteSome(HttpConnection& connection, const Buffers& buffers,
                                  error_code& error) {
  auto token = asio::redirect_error(asio::use_awaitable, error);
  size_t n = 0;
  if (connection.tls() != nullptr) {
    n = co_await connection.tls()->async_write_some(buffers, token);
  } else {
    n = co_await connection.socket().async_write_some(buffers, token);
  }
  co_return n;
}

// Writes head and body, asking before each write whether it may.
class RequestWriter {
 public:
  RequestWriter(std::string_view head, const std::vector<std::string_view>& body) {
    left_.reserve(body.size() + 1);
    left_.emplace_back(head.data(), head.size());
    for (const std::string_view part : body) left_.emplace_back(part.data(), part.size());
  }

  asio::awaitable<void> Run(HttpConnection& connection, const HttpRequest& request) {
    while (!left_.empty()) {
      if (BootClock::now() >= request.deadline) {
        error_ = asio::error::timed_out;
        co_return;
      }
      if (request.may_write && !request.may_write()) {
        forbidden_ = true;
        co_return;
      }
      tried_ = true;
      const size_t n = co_await WriteSome(connection, left_, error_);
      written_ += n;
      if (error_) co_return;
      Consume(n);
    }
  }

  bool forbidden() const { return forbidden_; }
  bool tried() const { return tried_; }
  size_t written() const { return written_; }
  error_code error() const { return error_; }

 private:
  void Consume(size_t n) {
    auto part = left_.begin();
    while (part != left_.end() && n >= part->size()) n -= (part++)->size();
    if (part != left_.end()) *part += n;
    left_.erase(left_.begin(), part);
  }

  std::vector<asio::const_buffer> left_;
  size_t written_ = 0;
  bool forbidden_ = false, tried_ = false;
  error_code error_;
};

HttpFailure ReadFailure(const error_code& error, bool any_byte, const HttpRequest& request,
                        const HttpClientOptions& options) {
  HttpFailure failure{HttpFailure::Kind::kUnanswered, ErrorCode::kDESTINATION_BAD_ANSWER, {}};
  const std::string host = request.origin.ToString();
  if (error == http::error::body_limit || error == http::error::header_limit) {
    failure.message =
        fmt::format("{} sent an answer larger than {} bytes of headers or {} of body", host,
                    options.max_response_header_bytes, options.max_response_body_bytes);
  } else if (any_byte &&
             (error == http::error::partial_message || error == http::error::end_of_stream ||
              error == asio::error::eof || error == asio::error::connection_reset ||
              error == asio::ssl::error::stream_truncated)) {
    failure.message = fmt::format("{} closed the connection in the middle of its answer", host);
  } else if (error.category() == http::make_error_code(http::error::bad_version).category() &&
             error != http::error::end_of_stream) {
    failure.message = fmt::format("{} sent what is no HTTP answer: {}", host, error.message());
  } else {
    failure.code = ErrorCode::kDESTINATION_UNAVAILABLE;
    failure.message = fmt::format("{} closed the connection without an answer", host);
  }
  return failure;
}

HttpFailure TimedOut(const HttpRequest& request, bool tried) {
  return {
      tried ? HttpFailure::Kind::kUnanswered : HttpFailure::Kind::kNotSent,
      ErrorCode::kDESTINATION_TIMEOUT,
      fmt::format("{} gave no whole answer in the time of one attempt", request.origin.ToString())};
}

// A server may name the seconds after which it closes an idle connection; one second less, so that
// it is never closed under a request.
Duration KeepFor(const http::response_parser<http::string_body>& parser, Duration idle_timeout) {
  if (!parser.keep_alive()) return Duration::zero();
  const auto field = parser.get()["Keep-Alive"];
  const std::string_view value(field.data(), field.size());
  const size_t at = value.find("timeout=");
  if (at == std::string_view::npos) return idle_timeout;
  int64_t seconds = 0;
  const char* begin = value.data() + at + 8;
  if (std::from_chars(begin, value.data() + value.size(), seconds).ec != std::errc{}) {
    return idle_timeout;
  }
  return std::min(idle_timeout,
                  Duration(std::chrono::seconds(std::clamp<int64_t>(seconds - 1, 0, 86'400))));
}

HttpResponse ToResponse(http::response_parser<http::string_body>& parser) {
  HttpResponse response;
  auto& message = parser.get();
  response.status = static_cast<int>(message.result_int());
  for (const auto& field : message) {
    const auto name = field.name_string();
    const auto value = field.value();
    response.headers.emplace_back(std::string(name.data(), name.size()),
                                  std::string(value.data(), value.size()));
  }
  response.body = std::move(message.body());
  return response;
}

using Parser = http::response_parser<http::string_body>;

asio::awaitable<error_code> Read(HttpConnection& connection, Parser& parser) {
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  if (connection.tls() != nullptr) {
    co_await http::async_read(*connection.tls(), connection.buffer(), parser, token);
  } else {
    co_await http::async_read(connection.socket(), connection.buffer(), parser, token);
  }
  co_return error;
}

void Limit(Parser& parser, const HttpRequest& request, const HttpClientOptions& options) {
  parser.header_limit(options.max_response_header_bytes);
  parser.body_limit(options.max_response_body_bytes);
  if (request.method == "HEAD") parser.skip(true);
}

}  // namespace

bool IsWellFormed(const HttpRequest& request) {
  const bool line = !request.method.empty() && IsPlain(request.method, false) &&
                    request.target.starts_with('/') && IsPlain(request.target, false);
  return line &&
         std::all_of(request.headers.begin(), request.headers.end(), [](const auto& header) {
           return !header.first.empty() && IsPlain(header.first, false) &&
                  header.first.find(':') == std::string::npos && IsPlain(header.second, true);
         });
}

asio::awaitable<Exchange> Perform(std::shared_ptr<HttpConnection> connection,
                                  const HttpRequest& request, const HttpClientOptions& options) {
  const Watchdog watchdog(connection, request.deadline);
  const std::string head = Head(request, options);
  RequestWriter writer(head, request.body);
  co_await writer.Run(*connection, request);

  Exchange out{HttpFailure{}, writer.written(), {}, false};
  // TLS may have put part of a record on the wire when its first write fails; TCP has not.
  const bool touched = writer.written() > 0 || (writer.tried() && connection->tls() != nullptr);
  if (writer.forbidden()) {
    out.result = HttpFailure{touched ? HttpFailure::Kind::kUnanswered : HttpFailure::Kind::kNotSent,
                             ErrorCode::kGRANT_REFUSED,
                             "the permission to send ended before the request was written"};
    co_return out;
  }
  if (writer.error() && !touched) {
    if (writer.error() == asio::error::timed_out || watchdog.fired()) {
      out.result = TimedOut(request, false);
    } else {
      out.closed_unused = true;
      out.result =
          HttpFailure{HttpFailure::Kind::kNotSent, ErrorCode::kDESTINATION_UNREACHABLE,
                      fmt::format("{}: {}", request.origin.ToString(), writer.error().message())};
    }
    co_return out;
  }

  // Also after a failed write: a server may refuse a request before it has read all of it, and its
  // answer is worth more than the doubt.
  auto parser = std::make_unique<Parser>();
  Limit(*parser, request, options);
  error_code error;
  bool any_byte = false;
  do {
    if (parser->is_done()) {  // 1xx: the answer itself comes after it
      parser = std::make_unique<Parser>();
      Limit(*parser, request, options);
    }
    error = co_await Read(*connection, *parser);
    any_byte = any_byte || parser->got_some() || connection->buffer().size() > 0;
  } while (!error && parser->get().result_int() < 200);

  if (error) {
    out.result =
        watchdog.fired() ? TimedOut(request, true) : ReadFailure(error, any_byte, request, options);
    co_return out;
  }
  if (!writer.error()) out.keep_for = KeepFor(*parser, options.idle_timeout);
  out.result = ToResponse(*parser);
  co_return out;
}

}  // namespace penstock::net_internal
