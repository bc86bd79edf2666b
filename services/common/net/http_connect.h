#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <variant>

#include "services/common/net/http_client.h"
#include "services/common/net/http_pool.h"

// How a connection comes to stand: name, TCP, TLS. Internal to services/common/net.
namespace penstock::net_internal {

// A context that verifies peers, with TLS 1.2 or newer. INVALID_CONFIGURATION naming the file that
// can't be read.
absl::StatusOr<std::unique_ptr<boost::asio::ssl::context>> MakeTlsContext(
    const HttpClientOptions& options);

using Connected = std::variant<std::shared_ptr<HttpConnection>, HttpFailure>;

// Every failure is kNotSent. Ends by `deadline`, whatever a name server does.
boost::asio::awaitable<Connected> Connect(boost::asio::any_io_executor executor,
                                          const Origin& origin, boost::asio::ssl::context& context,
                                          BootTime deadline);

}  // namespace penstock::net_internal
