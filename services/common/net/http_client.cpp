#include "services/common/net/http_client.h"

#include <algorithm>
#include <boost/beast/core/string.hpp>

#include "fmt/format.h"
#include "services/common/core/status.h"
#include "services/common/net/http_connect.h"
#include "services/common/net/http_exchange.h"
#include "services/common/net/http_pool.h"

namespace penstock {

namespace asio = boost::asio;
using net_internal::Connected;
using net_internal::Exchange;
using net_internal::HttpConnection;
using net_internal::HttpPool;

std::string_view HttpResponse::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (boost::beast::iequals(boost::beast::string_view(key),
                              boost::beast::string_view(name.data(), name.size()))) {
      return value;
    }
  }
  return {};
}

class HttpClient::Impl {
 public:
  Impl(const asio::any_io_executor& executor, HttpClientOptions options,
       std::unique_ptr<asio::ssl::context> context)
      : executor_(executor),
        options_(std::move(options)),
        context_(std::move(context)),
        pool_(executor, options_.max_idle_per_origin, options_.max_connections) {}

  asio::awaitable<HttpResult> Send(HttpRequest request) {
    if (!net_internal::IsWellFormed(request)) {
      co_return HttpFailure{HttpFailure::Kind::kNotSent, ErrorCode::kINVALID_REQUEST,
                            "the request's path or a header holds a control character"};
    }
    while (true) {
      auto lease = co_await pool_.Take(request.origin, request.deadline);
      if (!lease) {
        co_return HttpFailure{
            HttpFailure::Kind::kNotSent, ErrorCode::kDESTINATION_UNREACHABLE,
            fmt::format("all {} connections were in use until the attempt's time was over; raise "
                        "max_connections",
                        options_.max_connections)};
      }
      const bool reused = lease->connection != nullptr;
      if (!reused) {
        Connected connected = co_await net_internal::Connect(
            executor_, request.origin, options_.proxies.For(request.origin), *context_,
            std::min(request.deadline, BootClock::now() + options_.connect_timeout));
        if (auto* failure = std::get_if<HttpFailure>(&connected)) co_return std::move(*failure);
        lease->connection = std::move(std::get<std::shared_ptr<HttpConnection>>(connected));
      }
      Exchange exchange = co_await net_internal::Perform(lease->connection, request, options_);
      // Nothing of the request had left when the idle connection turned out to be dead.
      if (reused && exchange.closed_unused) continue;
      if (exchange.keep_for > Duration::zero()) {
        pool_.Return(std::move(*lease), exchange.keep_for);
      } else {
        lease->connection->Close();
      }
      co_return RefusedByProxy(request, std::move(exchange.result));
    }
  }

  asio::awaitable<Way> Try(Origin origin, BootTime deadline) {
    Way out;
    Connected connected = co_await net_internal::Connect(
        executor_, origin, options_.proxies.For(origin), *context_,
        std::min(deadline, BootClock::now() + options_.connect_timeout), &out.steps);
    if (auto* failure = std::get_if<HttpFailure>(&connected)) {
      out.failure = std::move(*failure);
    } else {
      std::get<std::shared_ptr<HttpConnection>>(connected)->Close();
    }
    co_return out;
  }

  size_t connections() const { return pool_.connections(); }
  size_t idle() const { return pool_.idle(); }

 private:
  // 407 is a proxy's own word: what it was to pass on has not left it.
  HttpResult RefusedByProxy(const HttpRequest& request, HttpResult result) const {
    const auto* response = std::get_if<HttpResponse>(&result);
    const Proxy* proxy = request.origin.tls ? nullptr : options_.proxies.For(request.origin);
    if (response == nullptr || proxy == nullptr || response->status != 407) return result;
    return HttpFailure{HttpFailure::Kind::kNotSent, ErrorCode::kINVALID_CONFIGURATION,
                       net_internal::ProxyRefusal(*proxy, request.origin, response->status)};
  }

  asio::any_io_executor executor_;
  HttpClientOptions options_;
  std::unique_ptr<asio::ssl::context> context_;
  HttpPool pool_;
};

absl::StatusOr<std::unique_ptr<HttpClient>> HttpClient::Create(asio::any_io_executor executor,
                                                               HttpClientOptions options) {
  PENSTOCK_ASSIGN_OR_RETURN(auto context, net_internal::MakeTlsContext(options));
  return std::unique_ptr<HttpClient>(new HttpClient(
      std::make_unique<Impl>(std::move(executor), std::move(options), std::move(context))));
}

HttpClient::HttpClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpClient::~HttpClient() = default;

asio::awaitable<HttpResult> HttpClient::Send(HttpRequest request) {
  return impl_->Send(std::move(request));
}

asio::awaitable<HttpClient::Way> HttpClient::Try(Origin origin, BootTime deadline) {
  return impl_->Try(std::move(origin), deadline);
}

size_t HttpClient::connections() const {
  return impl_->connections();
}
size_t HttpClient::idle_connections() const {
  return impl_->idle();
}

}  // namespace penstock
