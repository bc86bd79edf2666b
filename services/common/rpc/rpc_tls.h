#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace grpc {
class ChannelCredentials;
class ServerCredentials;
}  // namespace grpc

namespace penstock {

// PEM files. On a server: cert_file and key_file turn TLS on, ca_file makes clients show a
// certificate. On a client: ca_file turns TLS on, cert_file and key_file are what it shows.
struct TlsFiles {
  std::string ca_file = {};
  std::string cert_file = {};
  std::string key_file = {};
};

// Plain text when TLS is off. INVALID_CONFIGURATION names a file that can't be read or is missing
// beside another. A server reads its files again when they change: a rotation needs no restart, and
// connections that stand are kept.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerCredentialsOf(const TlsFiles& files);
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ClientCredentialsOf(
    const TlsFiles& files);

}  // namespace penstock
