#pragma once

#include <string>

namespace penstock {

// PEM files. On a server: cert_file and key_file turn TLS on, ca_file makes clients show a
// certificate. On a client: ca_file turns TLS on, cert_file and key_file are what it shows.
struct TlsFiles {
  std::string ca_file = {};
  std::string cert_file = {};
  std::string key_file = {};
  bool operator==(const TlsFiles&) const = default;
};

}  // namespace penstock
