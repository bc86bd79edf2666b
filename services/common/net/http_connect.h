#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "services/common/net/http_client.h"
#include "services/common/net/http_pool.h"

// How a connection comes to stand: name, TCP, TLS. Internal to services/common/net.
namespace penstock::net_internal {

// A context that verifies peers, with TLS 1.2 or newer. INVALID_CONFIGURATION naming the file that
// can't be read.
absl::StatusOr<std::unique_ptr<boost::asio::ssl::context>> MakeTlsContext(
    const HttpClientOptions& options);

using Connected = std::variant<std::shared_ptr<HttpConnection>, HttpFailure>;

// Every failure is kNotSent. Ends by `deadline`, whatever a name server does. `proxy`: on the way,
// or null. `steps`: what was found on the way is added there, for people, unless it is null.
boost::asio::awaitable<Connected> Connect(boost::asio::any_io_executor executor,
                                          const Origin& origin, const Proxy* proxy,
                                          boost::asio::ssl::context& context, BootTime deadline,
                                          std::vector<std::string>* steps = nullptr);

// What a proxy's refusal means, for people.
std::string ProxyRefusal(const Proxy& proxy, const Origin& target, int status);

}  // namespace penstock::net_internal
