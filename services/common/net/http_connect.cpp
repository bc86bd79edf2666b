#include "services/common/net/http_connect.h"

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http.hpp>
#include <optional>

#include "fmt/format.h"
#include "services/common/core/status.h"

namespace penstock::net_internal {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;

HttpFailure NotSent(ErrorCode code, std::string message) {
  return {HttpFailure::Kind::kNotSent, code, std::move(message)};
}

int64_t MillisecondsSince(BootTime began) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(BootClock::now() - began).count();
}

HttpFailure ConnectTimedOut(const Origin& origin, std::string_view stage) {
  return NotSent(
      ErrorCode::kDESTINATION_UNREACHABLE,
      fmt::format("{}: {} took longer than the connect timeout", origin.ToString(), stage));
}

// What a look-up leaves behind for whoever waits for it, who may have gone.
struct LookUp {
  explicit LookUp(const asio::any_io_executor& executor, Duration left)
      : resolver(executor), timer(executor, left) {}
  tcp::resolver resolver;
  asio::steady_timer timer;
  bool done = false;
  error_code error;
  std::vector<tcp::endpoint> endpoints;
};

using Endpoints = std::variant<std::vector<tcp::endpoint>, HttpFailure>;

// A name server that does not answer can't be interrupted, so the look-up is left to itself when
// its time is over.
asio::awaitable<Endpoints> Resolve(const asio::any_io_executor& executor, const Origin& origin,
                                   BootTime deadline) {
  error_code literal;
  const auto address = asio::ip::make_address(origin.host, literal);
  if (!literal) co_return std::vector<tcp::endpoint>{{address, origin.port}};

  auto lookup = std::make_shared<LookUp>(
      executor, std::max(Duration::zero(), Duration(deadline - BootClock::now())));
  lookup->resolver.async_resolve(
      origin.host, std::to_string(origin.port),
      [lookup](error_code error, const tcp::resolver::results_type& results) {
        lookup->done = true;
        lookup->error = error;
        for (const auto& entry : results) lookup->endpoints.push_back(entry.endpoint());
        lookup->timer.cancel();
      });
  error_code ignored;
  co_await lookup->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  if (!lookup->done) {
    lookup->resolver.cancel();
    co_return ConnectTimedOut(origin, "looking up the host's name");
  }
  if (lookup->error || lookup->endpoints.empty()) {
    co_return NotSent(ErrorCode::kDESTINATION_UNREACHABLE,
                      fmt::format("{}: the host's name can't be resolved: {}", origin.ToString(),
                                  lookup->error.message()));
  }
  co_return std::move(lookup->endpoints);
}

// What is wrong with a certificate, and who mends it.
std::string TlsProblem(SSL* handle, const error_code& error, bool other_name) {
  if (other_name) return "its certificate is for other names; check the host in base_url";
  const long verified = SSL_get_verify_result(handle);
  if (verified == X509_V_OK) {
    return error.message() + "; see whether the port speaks TLS (1.2 or newer)";
  }
  const std::string text =
      std::string("its certificate: ") + X509_verify_cert_error_string(verified);
  switch (verified) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return text + "; its operators must renew it, or this machine's clock is wrong";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return text + "; where the authority is your own, name its file in config.tls_ca";
    default:
      return text;
  }
}

// The certificate in use, for people.
std::string TlsFound(SSL* handle) {
  std::string until;
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(handle),
                                                                &X509_free);
  tm end{};
  if (certificate && ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) == 1) {
    until = fmt::format(", its certificate is good until {:04}-{:02}-{:02}", end.tm_year + 1900,
                        end.tm_mon + 1, end.tm_mday);
  }
  return SSL_get_version(handle) + until;
}

std::string Authority(const Origin& origin) {
  const bool ipv6 = origin.host.find(':') != std::string::npos;
  return fmt::format("{}:{}", ipv6 ? "[" + origin.host + "]" : origin.host, origin.port);
}

// Asks the proxy for a tunnel (RFC 9110 §9.3.6). The failure when it gives none.
asio::awaitable<std::optional<HttpFailure>> OpenTunnel(HttpConnection& connection,
                                                       const Proxy& proxy) {
  const Origin& target = connection.origin();
  const std::string authority = Authority(target);
  std::string request = fmt::format("CONNECT {} HTTP/1.1\r\nHost: {}\r\n", authority, authority);
  if (!proxy.authorization.empty()) {
    request += fmt::format("Proxy-Authorization: {}\r\n", proxy.authorization);
  }
  request += "\r\n";
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  co_await asio::async_write(connection.socket(), asio::buffer(request), token);
  http::response_parser<http::empty_body> parser;
  parser.skip(true);
  boost::beast::flat_buffer buffer;
  if (!error) co_await http::async_read_header(connection.socket(), buffer, parser, token);
  if (error) {
    co_return NotSent(ErrorCode::kDESTINATION_UNREACHABLE,
                      fmt::format("the proxy {} gives no tunnel to {}: {}", proxy.origin.ToString(),
                                  authority, error.message()));
  }
  const int status = static_cast<int>(parser.get().result_int());
  if (status >= 200 && status < 300) co_return std::nullopt;
  co_return NotSent(
      status >= 500 ? ErrorCode::kDESTINATION_UNREACHABLE : ErrorCode::kINVALID_CONFIGURATION,
      ProxyRefusal(proxy, target, status));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ssl::context>> MakeTlsContext(const HttpClientOptions& options) {
  auto context = std::make_unique<ssl::context>(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  context->set_verify_mode(ssl::verify_peer);
  error_code error;
  auto refused = [&](std::string_view what, const std::string& file) {
    return Error(ErrorCode::kINVALID_CONFIGURATION,
                 fmt::format("{} {} can't be used: {}", what, file, error.message()));
  };
  if (options.ca_file.empty()) {
    context->set_default_verify_paths(error);
    if (error) return refused("the system's certificate authorities", "");
  } else {
    context->load_verify_file(options.ca_file, error);
    if (error) return refused("ca_file", options.ca_file);
  }
  if (!options.client_certificate_file.empty()) {
    context->use_certificate_chain_file(options.client_certificate_file, error);
    if (error) return refused("client_certificate_file", options.client_certificate_file);
    context->use_private_key_file(options.client_key_file, ssl::context::pem, error);
    if (error) return refused("client_key_file", options.client_key_file);
  }
  return context;
}

std::string ProxyRefusal(const Proxy& proxy, const Origin& target, int status) {
  const std::string who = fmt::format("the proxy {}", proxy.origin.ToString());
  if (status == 407) {
    return fmt::format(
        "{} wants other credentials (HTTP status 407); put them into the loader's "
        "{} as http://user:password@host:port",
        who, target.tls ? "HTTPS_PROXY" : "HTTP_PROXY");
  }
  if (status >= 500) {
    return fmt::format("{} can't reach {}: HTTP status {}", who, Authority(target), status);
  }
  return fmt::format(
      "{} won't connect to {}: HTTP status {}; let it, or name the host in the "
      "loader's NO_PROXY",
      who, Authority(target), status);
}

asio::awaitable<Connected> Connect(asio::any_io_executor executor, const Origin& origin,
                                   const Proxy* proxy, ssl::context& context, BootTime deadline,
                                   std::vector<std::string>* steps) {
  const auto found = [&](std::string step) {
    if (steps != nullptr) steps->push_back(std::move(step));
  };
  const Origin& first = proxy == nullptr ? origin : proxy->origin;
  if (proxy != nullptr) found(fmt::format("goes through the proxy {}", first.ToString()));
  Endpoints resolved = co_await Resolve(executor, first, deadline);
  if (auto* failure = std::get_if<HttpFailure>(&resolved)) co_return std::move(*failure);
  const auto& endpoints = std::get<std::vector<tcp::endpoint>>(resolved);

  auto connection = std::make_shared<HttpConnection>(executor, origin);
  const Watchdog watchdog(connection, deadline);
  const BootTime began = BootClock::now();
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  tcp::endpoint reached;
  for (const tcp::endpoint& endpoint : endpoints) {
    error.clear();
    reached = endpoint;
    connection->Close();
    co_await connection->socket().async_connect(endpoint, token);
    if (watchdog.fired()) co_return ConnectTimedOut(first, "connecting");
    if (!error) break;
  }
  if (error) {
    co_return NotSent(
        ErrorCode::kDESTINATION_UNREACHABLE,
        fmt::format("{}{} ({}): {}", proxy == nullptr ? "" : "the proxy ", first.ToString(),
                    reached.address().to_string(), error.message()));
  }
  found(fmt::format("{} is {} and takes connections ({} ms)", first.host,
                    reached.address().to_string(), MillisecondsSince(began)));
  connection->socket().set_option(tcp::no_delay(true), error);
  if (!origin.tls) co_return connection;
  if (proxy != nullptr) {
    std::optional<HttpFailure> refused = co_await OpenTunnel(*connection, *proxy);
    if (watchdog.fired()) co_return ConnectTimedOut(first, "the proxy's tunnel");
    if (refused) co_return std::move(*refused);
  }

  connection->StartTls(context);
  auto& tls = *connection->tls();
  error_code literal;
  asio::ip::make_address(origin.host, literal);
  if (literal) SSL_set_tlsext_host_name(tls.native_handle(), origin.host.c_str());
  // Shared, for a callback may come as long as the connection lives.
  const auto other_name = std::make_shared<bool>(false);
  tls.set_verify_callback([verify = ssl::host_name_verification(origin.host), other_name](
                              bool trusted, ssl::verify_context& chain) {
    const bool passes = verify(trusted, chain);
    *other_name = trusted && !passes;
    return passes;
  });
  co_await tls.async_handshake(ssl::stream_base::client, token);
  if (watchdog.fired()) co_return ConnectTimedOut(origin, "the TLS handshake");
  if (error) {
    co_return NotSent(ErrorCode::kDESTINATION_TLS_FAILED,
                      fmt::format("{}: TLS failed: {}", origin.ToString(),
                                  TlsProblem(tls.native_handle(), error, *other_name)));
  }
  found(fmt::format("{} speaks {}", origin.host, TlsFound(tls.native_handle())));
  co_return connection;
}

}  // namespace penstock::net_internal
