#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "services/common/core/clock.h"
#include "services/common/net/http_client.h"
#include "services/loader/destinations/http/http_auth.h"

namespace penstock::loader {

struct HttpTestSpec {
  std::string base_url;
  std::string test_path;    // config.test_path: must answer 2xx; empty: base_url is tried
  std::string credentials;  // where they come from, for people: "${secret:token} (config.token)"
};

struct HttpTestResult {
  std::vector<std::string> findings;  // what was tried and found, step by step, for people
  absl::Status status;                // what is wrong, who must act, and how
};

// Whether a destination is there, takes the credentials and answers in person: name, connection,
// TLS, access token, one GET. A redirect is no answer: requests would not follow it either.
// `client`, `auth` and `clock` outlive the operation.
boost::asio::awaitable<HttpTestResult> TestHttpDestination(HttpClient& client, HttpAuth& auth,
                                                           HttpTestSpec spec, BootTime deadline,
                                                           const Clock& clock);

}  // namespace penstock::loader
