#include "services/common/process/exposure.h"

#include <boost/asio/ip/address.hpp>
#include <chrono>

#include "fmt/format.h"
#include "services/common/core/address.h"
#include "services/common/core/status.h"
#include "services/common/obs/log.h"
#include "services/common/rpc/tls_check.h"

namespace penstock {
namespace {

bool IsLoopback(const std::string& host) {
  boost::system::error_code not_an_address;
  const auto address = boost::asio::ip::make_address(host, not_an_address);
  return not_an_address ? host == "localhost" : address.is_loopback();
}

}  // namespace

absl::Status CheckExposure(const ServeSettings& settings, const std::string* token_file) {
  PENSTOCK_ASSIGN_OR_RETURN(const HostPort listen, ParseHostPort(settings.listen));
  if (IsLoopback(listen.host)) return absl::OkStatus();
  const bool knows_callers =
      !settings.tls_client_ca_file.empty() || (token_file != nullptr && !token_file->empty());
  if (!settings.tls_cert_file.empty() && knows_callers) return absl::OkStatus();
  if (settings.insecure) {
    LogWarning("insecure_listen",
               settings.tls_cert_file.empty()
                   ? "serves in plain text beyond this machine, as --insecure says"
                   : "serves anyone beyond this machine, as --insecure says",
               {{"listen", settings.listen}});
    return absl::OkStatus();
  }
  return Error(ErrorCode::kINVALID_CONFIGURATION,
               fmt::format("--listen={} is not a loopback address: give --tls-cert-file and "
                           "--tls-key-file, and {}--tls-client-ca-file; or say --insecure where "
                           "the network sees to both",
                           settings.listen, token_file != nullptr ? "--api-token-file or " : ""));
}

absl::Status CheckServerTls(const ServeSettings& settings) {
  const TlsFiles files{.ca_file = settings.tls_client_ca_file,
                       .cert_file = settings.tls_cert_file,
                       .key_file = settings.tls_key_file};
  PENSTOCK_ASSIGN_OR_RETURN(const TlsPems pems, ReadPems(files, TlsUse::kServer));
  if (pems == TlsPems()) return absl::OkStatus();
  return CheckPems(files, pems, TlsUse::kServer, /*own_authority=*/true,
                   std::chrono::system_clock::now())
      .status();
}

}  // namespace penstock
