#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "services/common/rpc/rpc_tls.h"

namespace grpc {
class Channel;
}

namespace penstock {

// How a service is called, for one connection that finds out why calls don't reach it.
struct ProbeTarget {
  std::string address;  // host:port
  TlsFiles tls = {};
  std::string tls_name = {};  // as in RpcChannelOptions
};

// Connects as a gRPC client would, by OpenSSL, and says in one line why that fails: the name isn't
// known, nothing listens, no TLS or only TLS is spoken, the certificate is of an unknown authority,
// out of date or for another name, or this side's is refused. Empty when a call would get through
// that far. Blocks for `timeout` at most at each of its few steps. REQUIRES: SIGPIPE is ignored.
std::string ProbePeer(const ProbeTarget& target, std::chrono::milliseconds timeout);

// Watches a channel: when it stays down it probes one of the addresses after another and keeps what
// it learned until the channel is up again (event peer_unreachable). Thread-safe.
class PeerProbe {
 public:
  struct Options {
    std::string service;  // "state", for the log
    std::vector<std::string> addresses;
    TlsFiles tls = {};
    std::string tls_name = {};
    std::chrono::milliseconds after{5000};   // down for so long
    std::chrono::milliseconds every{30000};  // between probes
  };
  PeerProbe(std::shared_ptr<grpc::Channel> channel, Options options);
  ~PeerProbe();

  // The same status; if it is an error and the reason is known, with that reason as its message.
  absl::Status Explain(const absl::Status& status) const;

 private:
  void Loop();

  const std::shared_ptr<grpc::Channel> channel_;
  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool closing_ = false;
  std::string reason_;
  std::thread thread_;
};

}  // namespace penstock
