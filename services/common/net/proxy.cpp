#include "services/common/net/proxy.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/url.hpp>
#include <charconv>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include "fmt/format.h"
#include "services/common/core/status.h"

namespace penstock {
namespace {

namespace ip = boost::asio::ip;
using boost::system::error_code;

absl::Status Bad(std::string_view variable, std::string_view what) {
  return Error(
      ErrorCode::kINVALID_CONFIGURATION,
      fmt::format("{} {}; write it as http://[user:password@]host[:port]", variable, what));
}

absl::StatusOr<Proxy> ParseProxy(std::string_view variable, const std::string& text) {
  const std::string url_text = text.find("://") == std::string::npos ? "http://" + text : text;
  const auto parsed = boost::urls::parse_uri(url_text);
  if (!parsed) return Bad(variable, "is not a proxy's URL");
  const boost::urls::url_view& url = *parsed;
  if (url.scheme_id() != boost::urls::scheme::http) {
    return Bad(variable,
               "names a proxy that is not spoken to in plain HTTP, which is not supported");
  }
  Proxy out;
  out.origin.tls = false;
  out.origin.host = absl::AsciiStrToLower(std::string(url.host_address()));
  if (out.origin.host.empty()) return Bad(variable, "names no host");
  out.origin.port = url.has_port() ? url.port_number() : 80;
  if (out.origin.port == 0) return Bad(variable, "has a port that is none");
  if (url.has_userinfo()) {
    out.authorization =
        "Basic " + absl::Base64Escape(std::string(url.user()) + ":" + std::string(url.password()));
  }
  return out;
}

// "host:80" without its port, "[::1]:80" without brackets too.
std::string_view TakePort(std::string_view text, std::optional<uint16_t>& port) {
  const bool bracketed = text.starts_with('[') && text.find(']') != text.npos;
  const size_t colon = text.rfind(':');
  const bool has_port = bracketed ? colon != text.npos && colon > text.find(']')
                                  : std::count(text.begin(), text.end(), ':') == 1;
  if (has_port) {
    uint16_t number = 0;
    const std::string_view digits = text.substr(colon + 1);
    if (std::from_chars(digits.data(), digits.data() + digits.size(), number).ec == std::errc{}) {
      port = number;
    }
    text = text.substr(0, colon);
  }
  return bracketed ? text.substr(1, text.find(']') - 1) : text;
}

}  // namespace

absl::StatusOr<ProxyRules> ProxyRules::FromEnvironment(const Environment& get) {
  const auto read = [&](const char* lower, const char* upper) {
    const char* value = get(lower);
    if (value == nullptr || *value == '\0') value = get(upper);
    return std::string(value == nullptr ? "" : value);
  };
  ProxyRules out;
  if (const std::string text = read("http_proxy", "HTTP_PROXY"); !text.empty()) {
    PENSTOCK_ASSIGN_OR_RETURN(out.http_, ParseProxy("HTTP_PROXY", text));
  }
  if (const std::string text = read("https_proxy", "HTTPS_PROXY"); !text.empty()) {
    PENSTOCK_ASSIGN_OR_RETURN(out.https_, ParseProxy("HTTPS_PROXY", text));
  }
  const std::string exceptions = read("no_proxy", "NO_PROXY");
  for (const absl::string_view one :
       absl::StrSplit(exceptions, absl::ByAnyChar(", \t"), absl::SkipEmpty())) {
    PENSTOCK_RETURN_IF_ERROR(out.AddException(Std(one)));
  }
  return out;
}

absl::Status ProxyRules::AddException(std::string_view text) {
  if (text == "*") {
    none_ = true;
    return absl::OkStatus();
  }
  Exception exception;
  std::string host = absl::AsciiStrToLower(Absl(TakePort(text, exception.port)));
  error_code error;
  if (host.find('/') != std::string::npos) {
    const auto v4 = ip::make_network_v4(host, error);
    if (!error) {
      exception.host = v4.canonical();
    } else {
      error.clear();
      const auto v6 = ip::make_network_v6(host, error);
      if (error) {
        return Error(ErrorCode::kINVALID_CONFIGURATION,
                     fmt::format("NO_PROXY: {} is no network; write it like 10.0.0.0/8", text));
      }
      exception.host = v6.canonical();
    }
  } else if (const auto address = ip::make_address(host, error); !error) {
    if (address.is_v4()) {
      exception.host = ip::network_v4(address.to_v4(), 32);
    } else {
      exception.host = ip::network_v6(address.to_v6(), 128);
    }
  } else {
    if (host.starts_with('*')) host.erase(0, 1);
    if (host.starts_with('.')) host.erase(0, 1);
    exception.host = std::move(host);
  }
  exceptions_.push_back(std::move(exception));
  return absl::OkStatus();
}

bool ProxyRules::Matches(const Exception& exception, const Origin& target) {
  if (exception.port && *exception.port != target.port) return false;
  error_code error;
  const auto address = ip::make_address(target.host, error);
  if (const auto* v4 = std::get_if<ip::network_v4>(&exception.host)) {
    return !error && address.is_v4() &&
           ip::network_v4(address.to_v4(), v4->prefix_length()).canonical() == *v4;
  }
  if (const auto* v6 = std::get_if<ip::network_v6>(&exception.host)) {
    return !error && address.is_v6() &&
           ip::network_v6(address.to_v6(), v6->prefix_length()).canonical() == *v6;
  }
  const auto& domain = std::get<std::string>(exception.host);
  return target.host == domain || (!domain.empty() && target.host.ends_with("." + domain));
}

const Proxy* ProxyRules::For(const Origin& target) const {
  const std::optional<Proxy>& proxy = target.tls ? https_ : http_;
  if (!proxy || none_) return nullptr;
  const bool excepted =
      std::any_of(exceptions_.begin(), exceptions_.end(),
                  [&](const Exception& exception) { return Matches(exception, target); });
  return excepted ? nullptr : &*proxy;
}

}  // namespace penstock
