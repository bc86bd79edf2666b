#include "services/common/net/http_connect.h"

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "fmt/format.h"
#include "services/common/core/status.h"

namespace penstock::net_internal {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;

HttpFailure NotSent(ErrorCode code, std::string message) {
  return {HttpFailure::Kind::kNotSent, code, std::move(message)};
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

std::string TlsProblem(SSL* handle, const error_code& error) {
  const long verified = SSL_get_verify_result(handle);
  if (verified != X509_V_OK) return X509_verify_cert_error_string(verified);
  return error.message();
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

asio::awaitable<Connected> Connect(asio::any_io_executor executor, const Origin& origin,
                                   ssl::context& context, BootTime deadline) {
  Endpoints resolved = co_await Resolve(executor, origin, deadline);
  if (auto* failure = std::get_if<HttpFailure>(&resolved)) co_return std::move(*failure);
  const auto& endpoints = std::get<std::vector<tcp::endpoint>>(resolved);

  auto connection = std::make_shared<HttpConnection>(executor, origin);
  const Watchdog watchdog(connection, deadline);
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  for (const tcp::endpoint& endpoint : endpoints) {
    error.clear();
    connection->Close();
    co_await connection->socket().async_connect(endpoint, token);
    if (watchdog.fired()) co_return ConnectTimedOut(origin, "connecting");
    if (!error) break;
  }
  if (error) {
    co_return NotSent(ErrorCode::kDESTINATION_UNREACHABLE,
                      fmt::format("{}: {}", origin.ToString(), error.message()));
  }
  connection->socket().set_option(tcp::no_delay(true), error);
  if (!origin.tls) co_return connection;

  connection->StartTls(context);
  auto& tls = *connection->tls();
  error_code literal;
  asio::ip::make_address(origin.host, literal);
  if (literal) SSL_set_tlsext_host_name(tls.native_handle(), origin.host.c_str());
  tls.set_verify_callback(ssl::host_name_verification(origin.host));
  co_await tls.async_handshake(ssl::stream_base::client, token);
  if (watchdog.fired()) co_return ConnectTimedOut(origin, "the TLS handshake");
  if (error) {
    co_return NotSent(ErrorCode::kDESTINATION_TLS_FAILED,
                      fmt::format("{}: TLS failed: {}; check the host's name and certificate, and "
                                  "ca_file where the authority is your own",
                                  origin.ToString(), TlsProblem(tls.native_handle(), error)));
  }
  co_return connection;
}

}  // namespace penstock::net_internal
