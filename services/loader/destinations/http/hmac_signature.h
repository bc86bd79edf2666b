#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/model/manifest_text.h"
#include "services/common/model/resources.h"

namespace penstock::loader {

// What goes into a signature beside the secret.
struct SignedRequest {
  std::string_view body;       // as it is sent
  std::string_view timestamp;  // seconds since 1970
  std::string_view key;        // the request's idempotency key
};

// Signs requests as webhooks do: HMAC (RFC 2104) over a text made of the body and, where the
// receiver wants them, a timestamp and the idempotency key. Immutable, thread-safe.
class HmacSigner {
 public:
  // `auth`: of type hmac (docs/connectors.md). INVALID_CONFIGURATION, without any value.
  static absl::StatusOr<HmacSigner> Make(const Config& auth);

  // The headers to add, name and value.
  std::vector<std::pair<std::string, std::string>> Sign(const SignedRequest& request) const;
  bool tells_time() const { return tells_time_; }

 private:
  std::string Signature(const SignedRequest& request) const;

  std::string secret_, algorithm_, encoding_, header_, timestamp_header_;
  std::vector<ManifestPiece> signed_, value_;
  bool tells_time_ = false;
};

}  // namespace penstock::loader
