#include "services/common/rpc/tls_check.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "fmt/format.h"
#include "services/common/core/file.h"
#include "services/common/core/status.h"
#include "services/common/rpc/tls_openssl.h"

namespace penstock {
namespace {

using std::chrono::system_clock;

absl::Status Wrong(const std::string& file, std::string_view what) {
  return Error(ErrorCode::kINVALID_CONFIGURATION, fmt::format("{}: {}", file, what));
}

absl::StatusOr<std::string> ReadPem(const std::string& path) {
  if (path.empty()) return std::string();
  std::optional<std::string> content = ReadWholeFile(path);
  if (!content.has_value()) return Wrong(path, "can't be read");
  if (content->find("-----BEGIN") == std::string::npos) return Wrong(path, "is no PEM file");
  return *std::move(content);
}

absl::StatusOr<std::vector<X509Ptr>> Certificates(const std::string& file, const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<X509Ptr> out;
  ERR_clear_error();
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr))
    out.emplace_back(certificate);
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (out.empty() && at_end) return Wrong(file, "holds no PEM certificate");
  if (!at_end)
    return Wrong(file, fmt::format("its certificate no. {} can't be read", out.size() + 1));
  return out;
}

absl::Status CheckDates(const std::string& file, X509* certificate, system_clock::time_point now) {
  const auto from = TimeOf(X509_get0_notBefore(certificate));
  if (from > now)
    return Wrong(file, fmt::format("the certificate is valid only from {} on", DateText(from)));
  const auto to = TimeOf(X509_get0_notAfter(certificate));
  if (to <= now) return Wrong(file, fmt::format("the certificate expired on {}", DateText(to)));
  return absl::OkStatus();
}

absl::Status CheckKey(const TlsFiles& files, const std::string& pem, X509* certificate) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  // Nobody is there to be asked for a password.
  const auto no_password = [](char*, int, int, void*) { return -1; };
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr), &EVP_PKEY_free);
  ERR_clear_error();
  if (key == nullptr) return Wrong(files.key_file, "holds no PEM key, or an encrypted one");
  const bool fits = X509_check_private_key(certificate, key.get()) == 1;
  ERR_clear_error();
  if (!fits) {
    return Wrong(files.key_file,
                 fmt::format("is not the key of the certificate in {}", files.cert_file));
  }
  return absl::OkStatus();
}

absl::Status CheckChain(const TlsFiles& files, const std::vector<X509Ptr>& chain,
                        const std::vector<X509Ptr>& authorities, TlsUse use,
                        system_clock::time_point now) {
  const std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store(X509_STORE_new(),
                                                                      &X509_STORE_free);
  for (const X509Ptr& authority : authorities) X509_STORE_add_cert(store.get(), authority.get());
  const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> rest(
      sk_X509_new_null(), [](STACK_OF(X509) * stack) { sk_X509_free(stack); });
  for (size_t i = 1; i < chain.size(); ++i) sk_X509_push(rest.get(), chain[i].get());
  const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> context(
      X509_STORE_CTX_new(), &X509_STORE_CTX_free);
  X509_STORE_CTX_init(context.get(), store.get(), chain[0].get(), rest.get());
  X509_STORE_CTX_set_purpose(
      context.get(), use == TlsUse::kServer ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT);
  X509_STORE_CTX_set_time(context.get(), 0, system_clock::to_time_t(now));
  const bool verified = X509_verify_cert(context.get()) == 1;
  const int why = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  if (verified) return absl::OkStatus();
  return Wrong(files.cert_file,
               IsUnknownAuthority(why)
                   ? fmt::format("no authority in {} vouches for the certificate", files.ca_file)
                   : fmt::format("the certificate can't be verified by {}: {}", files.ca_file,
                                 X509_verify_cert_error_string(why)));
}

}  // namespace

std::string_view Name(TlsUse use) {
  return use == TlsUse::kServer ? "server" : "peer";
}

absl::StatusOr<TlsPems> ReadPems(const TlsFiles& files, TlsUse use) {
  if (files.cert_file.empty() != files.key_file.empty()) {
    return Wrong(files.cert_file + files.key_file,
                 "a certificate and its key must be given together");
  }
  if (use == TlsUse::kServer && files.cert_file.empty() && !files.ca_file.empty()) {
    return Wrong(files.ca_file,
                 "clients can be verified only with TLS; give a certificate and key too");
  }
  if (use == TlsUse::kPeer && files.ca_file.empty() && !files.cert_file.empty()) {
    return Wrong(files.cert_file,
                 "a certificate is shown only over TLS; give the authorities' file too");
  }
  TlsPems pems;
  PENSTOCK_ASSIGN_OR_RETURN(pems.ca, ReadPem(files.ca_file));
  PENSTOCK_ASSIGN_OR_RETURN(pems.cert, ReadPem(files.cert_file));
  PENSTOCK_ASSIGN_OR_RETURN(pems.key, ReadPem(files.key_file));
  return pems;
}

absl::StatusOr<TlsFacts> CheckPems(const TlsFiles& files, const TlsPems& pems, TlsUse use,
                                   bool own_authority, system_clock::time_point now) {
  TlsFacts facts{.expiry = system_clock::time_point::max()};
  std::vector<X509Ptr> authorities;
  if (!pems.ca.empty()) {
    PENSTOCK_ASSIGN_OR_RETURN(authorities, Certificates(files.ca_file, pems.ca));
    // One of several may be over: the old one of a rotation, or one of the system's.
    absl::Status dates;
    bool usable = false;
    for (const X509Ptr& authority : authorities) {
      const absl::Status status = CheckDates(files.ca_file, authority.get(), now);
      usable = usable || status.ok();
      if (!status.ok()) {
        dates = status;
        continue;
      }
      facts.expiry = std::min(facts.expiry, TimeOf(X509_get0_notAfter(authority.get())));
    }
    if (!usable) return dates;
  }
  if (pems.cert.empty()) return facts;
  PENSTOCK_ASSIGN_OR_RETURN(const std::vector<X509Ptr> chain,
                            Certificates(files.cert_file, pems.cert));
  PENSTOCK_RETURN_IF_ERROR(CheckKey(files, pems.key, chain[0].get()));
  PENSTOCK_RETURN_IF_ERROR(CheckDates(files.cert_file, chain[0].get(), now));
  if (own_authority && !authorities.empty())
    PENSTOCK_RETURN_IF_ERROR(CheckChain(files, chain, authorities, use, now));
  facts.expiry = TimeOf(X509_get0_notAfter(chain[0].get()));
  facts.names = NamesOf(chain[0].get());
  return facts;
}

}  // namespace penstock
