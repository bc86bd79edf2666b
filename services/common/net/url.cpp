#include "services/common/net/url.h"

#include <algorithm>
#include <boost/url.hpp>

#include "fmt/format.h"
#include "services/common/core/status.h"

namespace penstock {
namespace {

uint16_t DefaultPort(bool tls) {
  return tls ? 443 : 80;
}

absl::Status Bad(std::string_view what) {
  return Error(ErrorCode::kINVALID_CONFIGURATION,
               fmt::format("base_url {}; write it as https://host[:port][/path]", what));
}

}  // namespace

std::string Origin::HostHeader() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  std::string out = ipv6 ? "[" + host + "]" : host;
  if (port != DefaultPort(tls)) out += ":" + std::to_string(port);
  return out;
}

std::string Origin::ToString() const {
  return (tls ? "https://" : "http://") + HostHeader();
}

absl::StatusOr<BaseUrl> ParseBaseUrl(std::string_view text) {
  auto parsed = boost::urls::parse_uri({text.data(), text.size()});
  if (!parsed) return Bad("is not a URL");
  const boost::urls::url_view& url = *parsed;
  BaseUrl out;
  if (url.scheme_id() == boost::urls::scheme::http) {
    out.origin.tls = false;
  } else if (url.scheme_id() != boost::urls::scheme::https) {
    return Bad("must begin with https:// or http://");
  }
  if (url.has_userinfo()) return Bad("must hold no user or password (they belong under auth)");
  if (url.has_query() || url.has_fragment()) return Bad("must hold no query and no fragment");
  const auto host = url.host_address();
  if (host.empty()) return Bad("names no host");
  out.origin.host.assign(host.begin(), host.end());
  std::transform(out.origin.host.begin(), out.origin.host.end(), out.origin.host.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  out.origin.port = DefaultPort(out.origin.tls);
  if (url.has_port()) {
    if (url.port_number() == 0 || url.port().size() > 5 ||
        std::stoi(std::string(url.port())) > 65535)
      return Bad("has a port that is none");
    out.origin.port = url.port_number();
  }
  const auto path = url.encoded_path();
  out.path.assign(path.begin(), path.end());
  while (!out.path.empty() && out.path.back() == '/') out.path.pop_back();
  return out;
}

}  // namespace penstock
