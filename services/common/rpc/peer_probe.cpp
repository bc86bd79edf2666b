#include "services/common/rpc/peer_probe.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grpcpp/channel.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/str_join.h"
#include "fmt/format.h"
#include "services/common/core/address.h"
#include "services/common/core/status.h"
#include "services/common/obs/log.h"
#include "services/common/rpc/tls_check.h"
#include "services/common/rpc/tls_openssl.h"

namespace penstock {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLook{500};
constexpr milliseconds kTimeout{3000};
// The client's preface of HTTP/2 with an empty SETTINGS frame: what a server of gRPC answers.
constexpr std::string_view kPreface("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
constexpr char kTlsAlert = 0x15;  // the type of a TLS record

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

// errno of the attempt to connect, 0 when it stands.
int ConnectWithin(int fd, const addrinfo& to, milliseconds timeout) {
  if (connect(fd, to.ai_addr, to.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd wait{fd, POLLOUT, 0};
  if (poll(&wait, 1, static_cast<int>(timeout.count())) != 1) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

void BlockFor(int fd, milliseconds timeout) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  const timeval limit{timeout.count() / 1000, timeout.count() % 1000 * 1000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

std::string PlainReason(int fd) {
  send(fd, kPreface.data(), kPreface.size(), MSG_NOSIGNAL);
  char answer[64];
  const ssize_t size = recv(fd, answer, sizeof answer, 0);
  if (size > 0 && answer[0] != kTlsAlert) return {};
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return "it does not answer";
  return "it ends a connection in plain text, as a server of TLS does; give --peer-tls-ca-file";
}

std::string LastTlsError() {
  const unsigned long error = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(error);
  ERR_clear_error();
  return reason == nullptr ? "the connection was closed" : reason;
}

struct SslFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

// Why the handshake that failed did, by what the server's certificate was found to be.
std::string CertificateReason(SSL* ssl, const ProbeTarget& target, const std::string& name) {
  const long verified = SSL_get_verify_result(ssl);
  X509* const certificate = SSL_get0_peer_certificate(ssl);
  const auto dated = [&](std::string_view words, const ASN1_TIME* time) {
    return fmt::format("its certificate {} {}", words, DateText(TimeOf(time)));
  };
  if (IsUnknownAuthority(static_cast<int>(verified)))
    return fmt::format("its certificate is of an authority that {} does not hold",
                       target.tls.ca_file);
  if (verified == X509_V_ERR_CERT_HAS_EXPIRED && certificate != nullptr)
    return dated("expired on", X509_get0_notAfter(certificate));
  if (verified == X509_V_ERR_CERT_NOT_YET_VALID && certificate != nullptr)
    return dated("is valid only from", X509_get0_notBefore(certificate));
  if (verified == X509_V_ERR_HOSTNAME_MISMATCH || verified == X509_V_ERR_IP_ADDRESS_MISMATCH) {
    return fmt::format(
        "its certificate is for {}, not for {}; call it by a name of these, or "
        "give the one to expect with --…-tls-name",
        certificate == nullptr ? "no name" : absl::StrJoin(NamesOf(certificate), ", "), name);
  }
  if (verified != X509_V_OK)
    return fmt::format("its certificate can't be verified: {}",
                       X509_verify_cert_error_string(verified));
  return {};
}

std::string TlsReason(int fd, const ProbeTarget& target, const std::string& host) {
  const std::unique_ptr<SSL_CTX, SslFree> context(SSL_CTX_new(TLS_client_method()));
  if (SSL_CTX_load_verify_file(context.get(), target.tls.ca_file.c_str()) != 1)
    return fmt::format("{}: {}", target.tls.ca_file, LastTlsError());
  if (!target.tls.cert_file.empty() &&
      (SSL_CTX_use_certificate_chain_file(context.get(), target.tls.cert_file.c_str()) != 1 ||
       SSL_CTX_use_PrivateKey_file(context.get(), target.tls.key_file.c_str(), SSL_FILETYPE_PEM) !=
           1))
    return fmt::format("{}: {}", target.tls.cert_file, LastTlsError());
  // Verified, but to the end of the handshake: a certificate that fails is to be described.
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  const std::unique_ptr<SSL, SslFree> ssl(SSL_new(context.get()));
  const std::string name = target.tls_name.empty() ? host : target.tls_name;
  unsigned char address[sizeof(in6_addr)];
  if (inet_pton(AF_INET, name.c_str(), address) == 1 ||
      inet_pton(AF_INET6, name.c_str(), address) == 1) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), name.c_str());
  } else {
    SSL_set1_host(ssl.get(), name.c_str());
    SSL_set_tlsext_host_name(ssl.get(), name.c_str());
  }
  constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  SSL_set_alpn_protos(ssl.get(), kHttp2, sizeof kHttp2);
  SSL_set_fd(ssl.get(), fd);
  ERR_clear_error();
  const bool shown = !target.tls.cert_file.empty();
  bool asked_for_certificate = false;
  SSL_set_cert_cb(
      ssl.get(),
      [](SSL*, void* asked) {
        *static_cast<bool*>(asked) = true;
        return 1;
      },
      &asked_for_certificate);
  const bool connected = SSL_connect(ssl.get()) == 1;
  const std::string reason = CertificateReason(ssl.get(), target, name);
  if (!reason.empty()) return reason;
  if (connected) {
    // In TLS 1.3 a server looks at the client's certificate when the client is done: what it thinks
    // of it comes in place of its first bytes.
    char answer[64];
    SSL_write(ssl.get(), kPreface.data(), static_cast<int>(kPreface.size()));
    if (SSL_read(ssl.get(), answer, sizeof answer) > 0) return {};
  }
  const int library_reason = ERR_GET_REASON(ERR_peek_last_error());
  const std::string words = LastTlsError();
  if (library_reason == SSL_R_WRONG_VERSION_NUMBER || library_reason == SSL_R_HTTP_REQUEST ||
      library_reason == SSL_R_PACKET_LENGTH_TOO_LONG)
    return "it does not speak TLS, which --peer-tls-ca-file asks for";
  // Servers of gRPC 1.51 end the connection without the alert that others send.
  if (asked_for_certificate && (connected || library_reason > SSL_AD_REASON_OFFSET)) {
    return shown ? fmt::format(
                       "it refuses this service's certificate, {} ({}); the authorities of "
                       "its --tls-client-ca-file must vouch for it",
                       target.tls.cert_file, words)
                 : fmt::format(
                       "it wants a certificate ({}); give --peer-tls-cert-file and "
                       "--peer-tls-key-file",
                       words);
  }
  return fmt::format("the TLS handshake fails: {}", words);
}

}  // namespace

std::string ProbePeer(const ProbeTarget& target, milliseconds timeout) {
  const absl::StatusOr<HostPort> parsed = ParseHostPort(target.address);
  if (!parsed.ok()) return std::string(parsed.status().message());
  const auto said = [&](const std::string& why) {
    return why.empty() ? why : fmt::format("{}: {}", target.address, why);
  };
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed =
      getaddrinfo(parsed->host.c_str(), std::to_string(parsed->port).c_str(), &hints, &found);
  if (failed != 0) return said(fmt::format("the name can't be resolved: {}", gai_strerror(failed)));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, &freeaddrinfo);
  const Socket socket(::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (const int error = ConnectWithin(socket.fd(), *found, timeout); error != 0)
    return said(fmt::format("can't be reached: {}", std::strerror(error)));
  BlockFor(socket.fd(), timeout);
  return said(target.tls.ca_file.empty() ? PlainReason(socket.fd())
                                         : TlsReason(socket.fd(), target, parsed->host));
}

PeerProbe::PeerProbe(std::shared_ptr<grpc::Channel> channel, Options options)
    : channel_(std::move(channel)), options_(std::move(options)) {
  thread_ = std::thread([this] { Loop(); });
}

PeerProbe::~PeerProbe() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

absl::Status PeerProbe::Explain(const absl::Status& status) const {
  const std::lock_guard lock(mutex_);
  if (status.ok() || reason_.empty()) return status;
  return Error(CodeOf(status).value_or(ErrorCode::kSTATE_UNAVAILABLE), reason_);
}

void PeerProbe::Loop() {
  constexpr auto kUp = steady_clock::time_point::max();
  auto down = kUp;  // since when
  steady_clock::time_point next = steady_clock::now();
  size_t turn = 0;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, std::min(kLook, options_.after), [this] { return closing_; })) {
    const grpc_connectivity_state state = channel_->GetState(/*try_to_connect=*/false);
    if (state == GRPC_CHANNEL_READY || state == GRPC_CHANNEL_IDLE) {
      down = kUp;
      reason_.clear();
      continue;
    }
    const auto now = steady_clock::now();
    down = std::min(down, now);
    if (now - down < options_.after || now < next) continue;
    next = now + options_.every;
    lock.unlock();
    std::string reason = ProbePeer({.address = options_.addresses[turn % options_.addresses.size()],
                                    .tls = options_.tls,
                                    .tls_name = options_.tls_name},
                                   kTimeout);
    ++turn;
    if (reason.empty()) reason = "it can be reached, but takes no calls: it starts or ends";
    LogWarning("peer_unreachable", reason, {{"service", options_.service}});
    lock.lock();
    reason_ = std::move(reason);
  }
}

}  // namespace penstock
