#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace penstock {

// Where a connection goes. Two origins that compare equal may share connections.
struct Origin {
  bool tls = true;
  std::string host;  // lower case; an IPv6 address without brackets
  uint16_t port = 443;
  friend auto operator<=>(const Origin&, const Origin&) = default;
  // "https://api.example.com", with the port only when it isn't the scheme's own.
  std::string ToString() const;
  // The value of the Host header.
  std::string HostHeader() const;
};

struct BaseUrl {
  Origin origin;
  std::string path;  // "" or "/v1", never with a slash at its end
};

// Reads an http:// or https:// URL that requests are made relative to. INVALID_CONFIGURATION,
// naming what is wrong, for another scheme, credentials in the URL, a query or a fragment.
absl::StatusOr<BaseUrl> ParseBaseUrl(std::string_view text);

}  // namespace penstock
