#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/rpc/rpc_tls.h"

namespace penstock {

// What a TLS connection's own side is.
enum class TlsUse : uint8_t { kServer, kPeer };
std::string_view Name(TlsUse use);  // "server", "peer"

// The files' content; empty where no file is named.
struct TlsPems {
  std::string ca = {};
  std::string cert = {};
  std::string key = {};
  bool operator==(const TlsPems&) const = default;
};

// INVALID_CONFIGURATION names a file that can't be read, or that is missing beside another.
absl::StatusOr<TlsPems> ReadPems(const TlsFiles& files, TlsUse use);

struct TlsFacts {
  // When the certificate expires; when the first of the authorities does, where there is none.
  std::chrono::system_clock::time_point expiry;
  // The names and addresses that the certificate is for.
  std::vector<std::string> names;
};

// Whether the content can be used at `now`: PEM, a key that is the certificate's, dates, and a
// certificate that the given authorities vouch for (not asked where the authorities are those of
// others: `own_authority` false). INVALID_CONFIGURATION names the file, and the date where it is
// that.
absl::StatusOr<TlsFacts> CheckPems(const TlsFiles& files, const TlsPems& pems, TlsUse use,
                                   bool own_authority, std::chrono::system_clock::time_point now);

}  // namespace penstock
