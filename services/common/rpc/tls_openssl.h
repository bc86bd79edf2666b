#pragma once

#include <openssl/bio.h>
#include <openssl/x509.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace penstock {

// OpenSSL's objects as the parts that check and probe TLS use them.
struct OpenSslFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using BioPtr = std::unique_ptr<BIO, OpenSslFree>;
using X509Ptr = std::unique_ptr<X509, OpenSslFree>;

std::chrono::system_clock::time_point TimeOf(const ASN1_TIME* time);
std::string DateText(std::chrono::system_clock::time_point time);  // 2026-03-29 10:15:00 UTC
// The names and addresses of its subjectAltName.
std::vector<std::string> NamesOf(X509* certificate);
// Whether a code of X509_verify_cert says that the issuer is not among the trusted authorities.
bool IsUnknownAuthority(int verify_error);

}  // namespace penstock
