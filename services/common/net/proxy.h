#pragma once

#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/net/url.h"

namespace penstock {

// A forward proxy that is spoken to in plain HTTP.
struct Proxy {
  Origin origin;
  std::string authorization;  // the value of Proxy-Authorization; empty: none. Never to be shown
};

// Which requests go through a proxy, as HTTP_PROXY, HTTPS_PROXY and NO_PROXY say it (curl's rules).
// Immutable, thread-safe.
class ProxyRules {
 public:
  using Environment = std::function<const char*(const char*)>;

  // No proxies.
  ProxyRules() = default;
  // The lower-case variable of two is taken. HTTP_PROXY is for http://, HTTPS_PROXY for https://
  // destinations: [http://][user:password@]host[:port]. NO_PROXY is a list of hosts (with all
  // below them; a dot or *. before one is ignored), addresses, networks (10.0.0.0/8), each with
  // :port where only that is meant, or *. INVALID_CONFIGURATION names the variable, never its
  // credentials.
  static absl::StatusOr<ProxyRules> FromEnvironment(const Environment& get = ::getenv);

  // The proxy on the way to `target`; null: none.
  const Proxy* For(const Origin& target) const;

 private:
  struct Exception {
    // A domain with all below it; an address or network.
    std::variant<std::string, boost::asio::ip::network_v4, boost::asio::ip::network_v6> host;
    std::optional<uint16_t> port;
  };
  static bool Matches(const Exception& exception, const Origin& target);
  absl::Status AddException(std::string_view text);

  std::optional<Proxy> http_, https_;
  std::vector<Exception> exceptions_;
  bool none_ = false;  // NO_PROXY=*
};

}  // namespace penstock
