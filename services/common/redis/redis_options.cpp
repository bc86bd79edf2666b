#include "services/common/redis/redis_options.h"

#include <boost/url/parse.hpp>
#include <charconv>

#include "fmt/format.h"
#include "services/common/core/secret_file.h"
#include "services/common/core/status.h"

namespace penstock {
namespace {

absl::Status BadUrl(std::string_view what) {
  return Error(ErrorCode::kINVALID_CONFIGURATION,
               fmt::format("Redis URL: {}; write redis://[user[:password]@]host[:port][/database] "
                           "or rediss://… for TLS",
                           what));
}

}  // namespace

absl::StatusOr<RedisOptions> ParseRedisUrl(std::string_view url, const std::string& password_file) {
  auto parsed = boost::urls::parse_uri({url.data(), url.size()});
  if (!parsed) return BadUrl("it is not a URL");
  RedisOptions options;
  if (parsed->scheme() == "rediss") {
    options.tls = true;
  } else if (parsed->scheme() != "redis") {
    return BadUrl("the scheme is neither redis nor rediss");
  }
  if (parsed->has_query() || parsed->has_fragment())
    return BadUrl("it has a query or a fragment, which mean nothing here");
  options.host = parsed->host_address();
  if (options.host.empty()) return BadUrl("the host is missing");
  if (parsed->has_port()) {
    std::string port(parsed->port());
    const char* end = port.data() + port.size();
    auto [rest, error] = std::from_chars(port.data(), end, options.port);
    if (error != std::errc() || rest != end || options.port == 0)
      return BadUrl("the port is not a number from 1 to 65535");
  }
  if (parsed->has_userinfo()) {
    options.user = parsed->user();
    if (parsed->has_password()) options.password = parsed->password();
    if (options.password.empty() && password_file.empty())
      return BadUrl("it names a user without a password, and there is no --redis-password-file");
  }
  if (!password_file.empty()) {
    if (!options.password.empty()) return BadUrl("it has a password beside --redis-password-file");
    options.password_file = password_file;
    PENSTOCK_RETURN_IF_ERROR(ReadSecretFile(password_file).status());
  }
  std::string path = parsed->path();
  if (path.size() > 1) {
    const char* end = path.data() + path.size();
    auto [rest, error] = std::from_chars(path.data() + 1, end, options.database);
    if (error != std::errc() || rest != end || options.database < 0)
      return BadUrl("the database is not a number");
  }
  return options;
}

std::string DisplayName(const RedisOptions& options) {
  return fmt::format("{}://{}:{}/{}", options.tls ? "rediss" : "redis", options.host, options.port,
                     options.database);
}

}  // namespace penstock
