#include "services/common/core/address.h"

#include <charconv>

#include "fmt/format.h"
#include "services/common/core/status.h"

namespace penstock {

absl::StatusOr<HostPort> ParseHostPort(std::string_view text) {
  auto bad = [&] {
    return Error(ErrorCode::kINVALID_CONFIGURATION,
                 fmt::format("\"{}\" is no address; write host:port, [v6]:port or :port", text));
  };
  size_t colon = text.rfind(':');
  if (colon == text.npos) return bad();
  HostPort out;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != host.npos) {
    return bad();
  }
  out.host = host;
  const char* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data() + colon + 1, end, out.port);
  if (error != std::errc() || rest != end) return bad();
  return out;
}

}  // namespace penstock
