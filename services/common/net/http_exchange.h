#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>

#include "services/common/net/http_client.h"
#include "services/common/net/http_pool.h"

// One request and its answer on a connection that stands. Internal to services/common/net.
namespace penstock::net_internal {

struct Exchange {
  HttpResult result;
  size_t written = 0;          // bytes handed to the connection
  Duration keep_for{};         // how long the connection may be idle; zero: it must be closed
  bool closed_unused = false;  // an idle connection had died before a byte was taken: use another
};

// `request` must outlive the operation.
boost::asio::awaitable<Exchange> Perform(std::shared_ptr<HttpConnection> connection,
                                         const HttpRequest& request,
                                         const HttpClientOptions& options);

// Whether method, target and headers can be sent as they are: no control characters.
bool IsWellFormed(const HttpRequest& request);

}  // namespace penstock::net_internal
