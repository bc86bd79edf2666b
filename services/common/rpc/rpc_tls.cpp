#include "services/common/rpc/rpc_tls.h"

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <optional>

#include "fmt/format.h"
#include "services/common/core/file.h"
#include "services/common/core/status.h"

namespace penstock {
namespace {

// How often a server looks whether its files were replaced.
constexpr unsigned kRefreshSeconds = 1;

absl::StatusOr<std::string> ReadPem(const std::string& path) {
  if (path.empty()) return std::string();
  std::optional<std::string> content = ReadWholeFile(path);
  if (!content.has_value() || content->find("-----BEGIN") == std::string::npos) {
    return Error(ErrorCode::kINVALID_CONFIGURATION,
                 fmt::format("{}: can't be read, or is no PEM file", path));
  }
  return *std::move(content);
}

struct Pems {
  std::string ca;
  std::string cert;
  std::string key;
};

absl::StatusOr<Pems> ReadPems(const TlsFiles& files) {
  if (files.cert_file.empty() != files.key_file.empty()) {
    return Error(ErrorCode::kINVALID_CONFIGURATION,
                 fmt::format("{}: a certificate and its key must be given together",
                             files.cert_file + files.key_file));
  }
  Pems pems;
  PENSTOCK_ASSIGN_OR_RETURN(pems.ca, ReadPem(files.ca_file));
  PENSTOCK_ASSIGN_OR_RETURN(pems.cert, ReadPem(files.cert_file));
  PENSTOCK_ASSIGN_OR_RETURN(pems.key, ReadPem(files.key_file));
  return pems;
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerCredentialsOf(
    const TlsFiles& files) {
  PENSTOCK_ASSIGN_OR_RETURN(Pems pems, ReadPems(files));
  if (pems.cert.empty()) {
    if (pems.ca.empty()) return grpc::InsecureServerCredentials();
    return Error(ErrorCode::kINVALID_CONFIGURATION,
                 fmt::format("{}: clients can be verified only with TLS; give a certificate and "
                             "key too",
                             files.ca_file));
  }
  grpc::experimental::TlsServerCredentialsOptions options(
      std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
          files.key_file, files.cert_file, files.ca_file, kRefreshSeconds));
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  if (!pems.ca.empty()) {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return grpc::experimental::TlsServerCredentials(options);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ClientCredentialsOf(
    const TlsFiles& files) {
  PENSTOCK_ASSIGN_OR_RETURN(Pems pems, ReadPems(files));
  if (pems.ca.empty()) {
    if (pems.cert.empty()) return grpc::InsecureChannelCredentials();
    return Error(ErrorCode::kINVALID_CONFIGURATION,
                 fmt::format("{}: a certificate is shown only over TLS; give the authorities' file "
                             "too",
                             files.cert_file));
  }
  return grpc::SslCredentials({pems.ca, pems.key, pems.cert});
}

}  // namespace penstock
