#include "services/common/rpc/tls_watch.h"

#include <fcntl.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <sys/mman.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fmt/format.h"
#include "services/common/core/status.h"
#include "services/common/obs/log.h"
#include "services/common/rpc/grpc_log.h"
#include "services/common/rpc/tls_openssl.h"

namespace penstock {
namespace {

using grpc::experimental::FileWatcherCertificateProvider;
using std::chrono::system_clock;

// How often gRPC looks at what this class gives it: as often as it can.
constexpr unsigned kGrpcSeconds = 1;

int NewMemory() {
  return memfd_create("penstock-tls", MFD_CLOEXEC);
}

}  // namespace

MemoryFile::MemoryFile() : fd_(NewMemory()) {}

std::string MemoryFile::path() const {
  return absl::StrCat("/proc/self/fd/", fd_);
}

bool MemoryFile::Replace(std::string_view content) {
  const int fresh = NewMemory();
  if (fresh < 0) return false;
  // A whole new file takes the descriptor's place: who reads by the path sees the old or the new.
  const bool written =
      write(fresh, content.data(), content.size()) == static_cast<ssize_t>(content.size()) &&
      dup3(fresh, fd_, O_CLOEXEC) == fd_;
  close(fresh);
  return written;
}

absl::StatusOr<std::unique_ptr<TlsWatch>> TlsWatch::Open(Options options) {
  std::unique_ptr<TlsWatch> watch(new TlsWatch(std::move(options)));
  PENSTOCK_ASSIGN_OR_RETURN(const TlsPems pems,
                            ReadPems(watch->options_.files, watch->options_.use));
  if (pems == TlsPems()) return watch;  // plain text: there is nothing to look at
  PENSTOCK_RETURN_IF_ERROR(watch->Apply(pems));
  if (watch->options_.metrics != nullptr) {
    // There from the start, so that the first failure is seen as one more.
    watch->options_.metrics->GetCounter("penstock_tls_reload_failures_total",
                                        {Name(watch->options_.use)});
  }
  if (watch->options_.use == TlsUse::kServer) watch->CountHandshakes();
  watch->thread_ = std::thread([raw = watch.get()] { raw->Loop(); });
  return watch;
}

TlsWatch::~TlsWatch() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<grpc::ServerCredentials> TlsWatch::ServerCredentials() const {
  if (!thread_.joinable()) return grpc::InsecureServerCredentials();
  const bool verifies = !options_.files.ca_file.empty();
  grpc::experimental::TlsServerCredentialsOptions tls(
      std::make_shared<FileWatcherCertificateProvider>(
          pair_.path(), pair_.path(), verifies ? authorities_.path() : "", kGrpcSeconds));
  tls.watch_identity_key_cert_pairs();
  tls.set_cert_request_type(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  if (verifies) {
    tls.watch_root_certs();
    tls.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return grpc::experimental::TlsServerCredentials(tls);
}

std::shared_ptr<grpc::ChannelCredentials> TlsWatch::ChannelCredentials() const {
  if (!thread_.joinable()) return grpc::InsecureChannelCredentials();
  const std::string pair = options_.files.cert_file.empty() ? "" : pair_.path();
  grpc::experimental::TlsChannelCredentialsOptions tls;
  tls.set_certificate_provider(std::make_shared<FileWatcherCertificateProvider>(
      pair, pair, authorities_.path(), kGrpcSeconds));
  tls.watch_root_certs();
  if (!pair.empty()) tls.watch_identity_key_cert_pairs();
  // gRPC's default, said where it is relied on: the certificate is the one of the name called.
  tls.set_certificate_verifier(std::make_shared<grpc::experimental::HostNameCertificateVerifier>());
  return grpc::experimental::TlsCredentials(tls);
}

void TlsWatch::CountHandshakes() {
  WatchHandshakes();
  if (options_.metrics == nullptr) return;
  collecting_.emplace(options_.metrics->OnCollect(
      [counter = options_.metrics->GetCounter("penstock_tls_handshakes_refused_total")]() mutable {
        counter.Add(static_cast<double>(HandshakesRefused()) - counter.Value());
      }));
}

TlsPems TlsWatch::pems() const {
  const std::lock_guard lock(mutex_);
  return pems_;
}

TlsFacts TlsWatch::facts() const {
  const std::lock_guard lock(mutex_);
  return facts_;
}

absl::Status TlsWatch::Apply(const TlsPems& pems) {
  PENSTOCK_ASSIGN_OR_RETURN(TlsFacts facts, CheckPems(options_.files, pems, options_.use,
                                                      options_.own_authority, system_clock::now()));
  // First the authorities: a new certificate may be one of theirs.
  if (!authorities_.Replace(pems.ca) || !pair_.Replace(absl::StrCat(pems.key, "\n", pems.cert))) {
    return Error(ErrorCode::kINTERNAL, "there is no memory or descriptor left");
  }
  if (options_.use == TlsUse::kServer && facts.names.empty()) {
    LogWarning("tls_names_missing",
               "the certificate has no subjectAltName: no client can find the name in it that it "
               "expects",
               {{"file", options_.files.cert_file}});
  }
  if (options_.metrics != nullptr) {
    LogInfo("tls_files_read", "certificates are in force",
            {{"use", Name(options_.use)},
             {"names", absl::StrJoin(facts.names, ",")},
             {"expiry", DateText(facts.expiry)}});
    options_.metrics
        ->GetGauge("penstock_tls_certificate_expiry_timestamp_seconds", {Name(options_.use)})
        .Set(static_cast<double>(system_clock::to_time_t(facts.expiry)));
  }
  const std::lock_guard lock(mutex_);
  pems_ = pems;
  facts_ = std::move(facts);
  return absl::OkStatus();
}

void TlsWatch::Loop() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, options_.interval, [this] { return closing_; })) {
    lock.unlock();
    Look();
    lock.lock();
  }
}

void TlsWatch::Look() {
  const absl::StatusOr<TlsPems> pems = ReadPems(options_.files, options_.use);
  absl::Status status = pems.status();
  if (status.ok() && *pems != this->pems()) status = Apply(*pems);
  if (status.ok()) {
    seen_wrong_.clear();
    told_.clear();
    return;
  }
  const std::string why(status.message());
  if (why == seen_wrong_ && why != told_) {
    told_ = why;
    Refuse(status);
  }
  seen_wrong_ = why;
}

void TlsWatch::Refuse(const absl::Status& why) {
  LogWarning("tls_files_refused", "what was read before stays in force", why,
             {{"use", Name(options_.use)}});
  if (options_.metrics != nullptr) {
    options_.metrics->GetCounter("penstock_tls_reload_failures_total", {Name(options_.use)}).Add();
  }
}

}  // namespace penstock
