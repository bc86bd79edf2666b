#include "services/common/redis/redis_stream.h"

#include <openssl/ssl.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "fmt/format.h"
#include "services/common/core/status.h"

namespace penstock {
namespace {

using asio::ip::tcp;
using boost::system::error_code;
constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);

absl::Status Failed(const RedisOptions& options, std::string_view step, const error_code& error) {
  return Error(ErrorCode::kQUEUE_UNAVAILABLE,
               fmt::format("{}: {} failed: {}", DisplayName(options), step, error.message()));
}

tcp::socket& Lowest(tcp::socket& socket) {
  return socket;
}
tcp::socket& Lowest(asio::ssl::stream<tcp::socket>& stream) {
  return stream.next_layer();
}

template <typename Stream>
class StreamOver final : public RedisStream {
 public:
  template <typename... Args>
  explicit StreamOver(const RedisOptions& options, Args&&... args)
      : options_(options), stream_(std::forward<Args>(args)...) {}

  asio::awaitable<absl::StatusOr<size_t>> Read(std::span<char> into) override {
    auto [error, n] =
        co_await stream_.async_read_some(asio::buffer(into.data(), into.size()), kNoThrow);
    if (error) co_return Failed(options_, "reading", error);
    co_return n;
  }

  asio::awaitable<absl::Status> Write(const std::vector<asio::const_buffer>& buffers) override {
    auto [error, n] = co_await asio::async_write(stream_, buffers, kNoThrow);
    if (error) co_return Failed(options_, "writing", error);
    co_return absl::OkStatus();
  }

  void Close() override {
    error_code ignored;
    Lowest(stream_).close(ignored);
  }

  Stream& stream() { return stream_; }

 private:
  RedisOptions options_;
  Stream stream_;
};

asio::awaitable<absl::StatusOr<tcp::socket>> ConnectTcp(const RedisOptions& options) {
  auto executor = co_await asio::this_coro::executor;
  tcp::resolver resolver(executor);
  auto [resolve_error, endpoints] =
      co_await resolver.async_resolve(options.host, std::to_string(options.port), kNoThrow);
  if (resolve_error) co_return Failed(options, "resolving the name", resolve_error);
  tcp::socket socket(executor);
  auto [error, endpoint] = co_await asio::async_connect(socket, endpoints, kNoThrow);
  if (error) co_return Failed(options, "connecting", error);
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  co_return std::move(socket);
}

using TlsStream = StreamOver<asio::ssl::stream<tcp::socket>>;

absl::StatusOr<std::shared_ptr<asio::ssl::context>> TlsContext(const RedisOptions& options) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  error_code error;
  if (options.ca_file.empty()) {
    context->set_default_verify_paths(error);
  } else {
    context->load_verify_file(options.ca_file, error);
  }
  if (error) {
    return Error(
        ErrorCode::kINVALID_CONFIGURATION,
        fmt::format("{}: certificates can't be read: {}", options.ca_file, error.message()));
  }
  context->set_verify_mode(asio::ssl::verify_peer, error);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  return context;
}

asio::awaitable<absl::StatusOr<std::shared_ptr<RedisStream>>> ConnectWithoutLimit(
    const RedisOptions& options) {
  absl::StatusOr<tcp::socket> socket = co_await ConnectTcp(options);
  if (!socket.ok()) co_return std::move(socket).status();
  if (!options.tls)
    co_return std::make_shared<StreamOver<tcp::socket>>(options, *std::move(socket));

  PENSTOCK_CO_ASSIGN_OR_RETURN(std::shared_ptr<asio::ssl::context> context, TlsContext(options));
  // The SSL object keeps its context alive by itself.
  auto stream = std::make_shared<TlsStream>(options, *std::move(socket), *context);
  error_code error;
  // The server name extension is for names only (RFC 6066).
  asio::ip::make_address(options.host, error);
  if (error) SSL_set_tlsext_host_name(stream->stream().native_handle(), options.host.c_str());
  stream->stream().set_verify_callback(asio::ssl::host_name_verification(options.host), error);
  auto [handshake_error] =
      co_await stream->stream().async_handshake(asio::ssl::stream_base::client, kNoThrow);
  if (handshake_error) co_return Failed(options, "the TLS handshake", handshake_error);
  co_return stream;
}

}  // namespace

asio::awaitable<absl::StatusOr<std::shared_ptr<RedisStream>>> ConnectRedis(
    const RedisOptions& options) {
  using namespace asio::experimental::awaitable_operators;  // NOLINT: its only use
  asio::steady_timer limit(co_await asio::this_coro::executor, options.connect_timeout);
  auto result = co_await (ConnectWithoutLimit(options) || limit.async_wait(kNoThrow));
  if (result.index() == 0) co_return std::get<0>(std::move(result));
  co_return Failed(options, "connecting", asio::error::timed_out);
}

}  // namespace penstock
