#include "services/common/obs/admin_server.h"

#include <pthread.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <thread>

#include "fmt/format.h"
#include "services/common/core/address.h"
#include "services/common/core/status.h"
#include "services/common/obs/log.h"
#include "services/common/obs/metrics.h"
#include "services/common/obs/readiness.h"

namespace penstock {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);
constexpr int kMaxConnections = 64;
constexpr std::chrono::seconds kIdle{10};

using Request = http::request<http::empty_body>;
using Response = http::response<http::string_body>;

}  // namespace

class AdminServer::Impl {
 public:
  Impl(const Metrics& metrics, const Readiness& readiness)
      : metrics_(metrics), readiness_(readiness), acceptor_(io_) {}

  ~Impl() {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

  absl::Status Listen(std::string_view listen) {
    PENSTOCK_ASSIGN_OR_RETURN(HostPort address, ParseHostPort(listen));
    boost::system::error_code error;
    auto ip = asio::ip::make_address(address.host.empty() ? "0.0.0.0" : address.host, error);
    tcp::endpoint endpoint(ip, address.port);
    if (!error) acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      return Error(
          ErrorCode::kINVALID_CONFIGURATION,
          fmt::format("can't listen on the admin address {}: {}", listen, error.message()));
    }
    port_ = acceptor_.local_endpoint().port();
    asio::co_spawn(io_, Accept(), asio::detached);
    thread_ = std::thread([this] {
      pthread_setname_np(pthread_self(), "admin");
      io_.run();
    });
    return absl::OkStatus();
  }

  uint16_t port() const { return port_; }

 private:
  asio::awaitable<void> Accept() {
    for (;;) {
      auto [error, socket] = co_await acceptor_.async_accept(kNoThrow);
      if (error) {
        // Out of descriptors, most likely: give the open ones time to end.
        asio::steady_timer pause(io_, std::chrono::milliseconds(100));
        co_await pause.async_wait(kNoThrow);
        continue;
      }
      if (connections_ >= kMaxConnections) continue;
      ++connections_;
      asio::co_spawn(io_, Serve(beast::tcp_stream(std::move(socket))),
                     [this](const std::exception_ptr&) { --connections_; });
    }
  }

  asio::awaitable<void> Serve(beast::tcp_stream stream) {
    beast::flat_buffer buffer(8 << 10);
    for (;;) {
      http::request_parser<http::empty_body> parser;
      parser.header_limit(8 << 10);
      stream.expires_after(kIdle);
      auto [read_error, read] = co_await http::async_read(stream, buffer, parser, kNoThrow);
      if (read_error) co_return;
      boost::system::error_code unknown;
      const tcp::endpoint peer = stream.socket().remote_endpoint(unknown);
      Response response = Answer(parser.get(), !unknown && peer.address().is_loopback());
      stream.expires_after(kIdle);
      auto [write_error, written] = co_await http::async_write(stream, response, kNoThrow);
      if (write_error || !response.keep_alive()) co_return;
    }
  }

  Response Answer(const Request& request, bool from_here) const {
    Response response(http::status::ok, request.version());
    response.set(http::field::content_type, "text/plain; charset=utf-8");
    response.set(http::field::cache_control, "no-store");
    response.keep_alive(request.keep_alive());
    std::string_view path(request.target().data(), request.target().size());
    const std::string_view query = path.substr(std::min(path.find('?'), path.size()));
    path = path.substr(0, path.size() - query.size());
    if (request.method() == http::verb::put && path == "/log-level") {
      ChangeLogLevel(query, from_here, response);
    } else if (request.method() != http::verb::get && request.method() != http::verb::head) {
      response.result(http::status::method_not_allowed);
      response.set(http::field::allow, "GET, HEAD");
      response.body() = "only GET and HEAD\n";
    } else if (path == "/metrics") {
      response.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
      response.body() = metrics_.Expose();
    } else if (path == "/healthz") {
      response.body() = "ok\n";
    } else if (path == "/readyz") {
      Ready(response);
    } else {
      response.result(http::status::not_found);
      response.body() = "there are /metrics, /healthz, /readyz and /log-level\n";
    }
    response.prepare_payload();
    if (request.method() == http::verb::head) response.body().clear();
    return response;
  }

  static void ChangeLogLevel(std::string_view query, bool from_here, Response& response) {
    constexpr std::string_view kLevel = "?level=";
    if (!from_here) {
      response.result(http::status::forbidden);
      response.body() = "the log's level is changed only from this host\n";
      return;
    }
    const auto level =
        ParseLogLevel(query.starts_with(kLevel) ? query.substr(kLevel.size()) : query);
    if (!level.ok()) {
      response.result(http::status::bad_request);
      response.body() = fmt::format("{}\n", Std(level.status().message()));
      return;
    }
    SetLogLevel(*level);
    LogWarning("log_level_changed", "changed until the process ends", {{"to", Name(*level)}});
    response.body() = "ok\n";
  }

  void Ready(Response& response) const {
    std::vector<std::string> reasons = readiness_.Reasons();
    if (reasons.empty()) {
      response.body() = "ok\n";
      return;
    }
    response.result(http::status::service_unavailable);
    for (const std::string& reason : reasons) response.body() += reason + "\n";
  }

  const Metrics& metrics_;
  const Readiness& readiness_;
  asio::io_context io_{1};
  tcp::acceptor acceptor_;
  uint16_t port_ = 0;
  int connections_ = 0;
  std::thread thread_;
};

AdminServer::AdminServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AdminServer::~AdminServer() = default;

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(std::string_view listen,
                                                                const Metrics& metrics,
                                                                const Readiness& readiness) {
  auto impl = std::make_unique<Impl>(metrics, readiness);
  PENSTOCK_RETURN_IF_ERROR(impl->Listen(listen));
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(impl)));
}

uint16_t AdminServer::port() const {
  return impl_->port();
}

}  // namespace penstock
