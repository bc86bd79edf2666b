#include "services/common/rpc/grpc_log.h"

#include <grpc/support/log.h>

#include <atomic>
#include <chrono>
#include <string_view>

#include "services/common/obs/log.h"

namespace penstock {
namespace {

using std::chrono::steady_clock;

constexpr std::string_view kServer = "chttp2_server.cc";
constexpr std::string_view kServerFailed = "Handshaking failed: ";
constexpr std::string_view kTls = "ssl_transport_security.cc";
constexpr std::string_view kTlsFailed = "Handshake failed with fatal error";
constexpr auto kQuiet = std::chrono::seconds(10);

std::atomic<uint64_t> refused = 0;

// "…Tls handshake failed: SSL_ERROR_SSL: error:…:SSL routines::peer did not return a certificate
// {…}": what stands after the last colon, before the brace.
std::string_view Reason(std::string_view message) {
  message = message.substr(0, message.find(" {"));
  constexpr std::string_view kRoutines = "SSL routines::";
  const size_t at = message.find(kRoutines);
  return message.substr(at == message.npos ? 0 : at + kRoutines.size());
}

void Refused(std::string_view message) {
  if (message.find("Tls handshake failed") == message.npos &&
      message.find("Cannot check peer") == message.npos)
    return;
  const uint64_t count = ++refused;
  static std::atomic<int64_t> next = 0;
  const int64_t now = steady_clock::now().time_since_epoch() / std::chrono::milliseconds(1);
  int64_t due = next;
  if (now < due ||
      !next.compare_exchange_strong(due, now + std::chrono::milliseconds(kQuiet).count()))
    return;
  LogWarning("tls_handshake_refused", "a connection to this service was refused",
             {{"reason", Reason(message)}, {"refused", count}});
}

}  // namespace

void RouteGrpcLog() {
  gpr_set_log_function([](gpr_log_func_args* args) {
    const std::string_view message(args->message);
    const std::string_view file(args->file);
    if (file.ends_with(kServer) && message.starts_with(kServerFailed)) {
      Refused(message.substr(kServerFailed.size()));
    }
    // A failed handshake is told once: by the server as above, by the client with its reason.
    const bool told = file.ends_with(kTls) && message.starts_with(kTlsFailed);
    if (args->severity == GPR_LOG_SEVERITY_ERROR && !told) {
      LogWarning("grpc", args->message, {{"file", args->file}, {"line", args->line}});
    } else {
      LogDebug("grpc", args->message, {{"file", args->file}, {"line", args->line}});
    }
  });
}

void WatchHandshakes() {
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_DEBUG);
}

uint64_t HandshakesRefused() {
  return refused;
}

}  // namespace penstock
