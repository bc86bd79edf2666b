#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/statusor.h"
#include "services/common/obs/metrics.h"
#include "services/common/rpc/tls_check.h"

namespace grpc {
class ChannelCredentials;
class ServerCredentials;
}  // namespace grpc

namespace penstock {

// A file in memory whose content is replaced in one step, with a path by which gRPC reads it. The
// descriptor stays for the life of the process, as the path is one of a number: gRPC may look at it
// once more when the last channel is gone.
class MemoryFile {
 public:
  MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const;
  // False when there is no memory or descriptor left; then the content is what it was.
  bool Replace(std::string_view content);

 private:
  int fd_;
};

// Certificate, key and authorities of a server, or of a client for its calls: checked when they are
// opened, then looked at every second, so that a rotation needs no restart. What is wrong at a
// look stays outside (event tls_files_refused, a metric) and what was in force remains so; gRPC,
// which would fail every handshake by a key that doesn't match, sees only what passed. Connections
// that stand are kept. Thread-safe.
class TlsWatch {
 public:
  struct Options {
    TlsFiles files = {};
    TlsUse use = TlsUse::kServer;
    bool own_authority = true;   // see CheckPems()
    Metrics* metrics = nullptr;  // outlives this; may be absent
    std::chrono::milliseconds interval{1000};
  };
  // Errors are those of ReadPems() and CheckPems().
  static absl::StatusOr<std::unique_ptr<TlsWatch>> Open(Options options);
  ~TlsWatch();

  // Plain text when no file turns TLS on. This object outlives what is made by them.
  std::shared_ptr<grpc::ServerCredentials> ServerCredentials() const;
  std::shared_ptr<grpc::ChannelCredentials> ChannelCredentials() const;

  // What is in force now.
  TlsPems pems() const;
  TlsFacts facts() const;

 private:
  explicit TlsWatch(Options options) : options_(std::move(options)) {}
  void CountHandshakes();
  void Loop();
  void Look();
  absl::Status Apply(const TlsPems& pems);
  void Refuse(const absl::Status& why);

  const Options options_;
  MemoryFile pair_;  // certificate and key in one: they change together
  MemoryFile authorities_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool closing_ = false;
  TlsPems pems_;
  TlsFacts facts_;
  std::string seen_wrong_;  // at the last look, as some writers replace file after file
  std::string told_;        // what the log said last
  std::optional<Metrics::Collecting> collecting_;
  std::thread thread_;
};

}  // namespace penstock
