#include "examples/crm/http_server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <csignal>
#include <cstdio>

#include "examples/crm/crm_api.h"
#include "fmt/format.h"
#include "services/common/core/address.h"
#include "services/common/core/status.h"

namespace penstock::crm {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::minutes kIdle{2};
constexpr size_t kMaxBody = 4 << 20;

std::string_view Std(beast::string_view text) {
  return {text.data(), text.size()};
}

http::response<http::string_body> Respond(const http::request<http::string_body>& request,
                                          CrmApi& api, const Clock& clock) {
  ApiAnswer answer = api.Answer({.method = Std(request.method_string()),
                                 .target = Std(request.target()),
                                 .authorization = Std(request[http::field::authorization]),
                                 .body = request.body()},
                                clock.Boot());
  http::response<http::string_body> response(http::int_to_status(answer.status), request.version());
  response.keep_alive(request.keep_alive());
  if (answer.retry_after_s)
    response.set(http::field::retry_after, std::to_string(*answer.retry_after_s));
  if (answer.status != 204) {
    response.set(http::field::content_type, answer.content_type);
    response.body() = std::move(answer.body);
    response.prepare_payload();
  }
  return response;
}

asio::awaitable<void> ServeConnection(tcp::socket socket, CrmApi& api, const Clock& clock) {
  beast::tcp_stream stream(std::move(socket));
  boost::system::error_code ignored;
  stream.socket().set_option(tcp::no_delay(true), ignored);
  beast::flat_buffer buffer;
  for (;;) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(kMaxBody);
    stream.expires_after(kIdle);
    auto [read_error, read] = co_await http::async_read(stream, buffer, parser, kNoThrow);
    if (read_error) co_return;
    http::response<http::string_body> response = Respond(parser.get(), api, clock);
    auto [write_error, written] = co_await http::async_write(stream, response, kNoThrow);
    if (write_error || !response.keep_alive()) co_return;
  }
}

asio::awaitable<void> Accept(tcp::acceptor& acceptor, CrmApi& api, const Clock& clock) {
  for (;;) {
    auto [error, socket] = co_await acceptor.async_accept(kNoThrow);
    if (error) co_return;
    asio::co_spawn(acceptor.get_executor(), ServeConnection(std::move(socket), api, clock),
                   asio::detached);
  }
}

}  // namespace

absl::Status Serve(std::string_view listen, CrmApi& api) {
  PENSTOCK_ASSIGN_OR_RETURN(HostPort address, ParseHostPort(listen));
  asio::io_context io(1);
  tcp::acceptor acceptor(io);
  boost::system::error_code error;
  tcp::endpoint endpoint(asio::ip::make_address(address.host, error), address.port);
  if (!error) acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return Error(ErrorCode::kINVALID_CONFIGURATION,
                 fmt::format("can't listen on {}: {}", listen, error.message()));
  }
  fmt::print("listening on {}:{}\n", address.host, acceptor.local_endpoint().port());
  std::fflush(stdout);
  const Clock& clock = Clock::System();
  asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&](const boost::system::error_code&, int) { io.stop(); });
  asio::co_spawn(io, Accept(acceptor, api, clock), asio::detached);
  io.run();
  return absl::OkStatus();
}

}  // namespace penstock::crm
