#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace penstock {

// How to reach the one Redis primary. Plain data; the URL carries host, port, database and
// credentials, the rest are limits.
struct RedisOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 6379;
  bool tls = false;
  // PEM file of the authorities to trust instead of the system's; only with tls.
  std::string ca_file;
  // ACL user; empty with a password means the user "default".
  std::string user;
  std::string password;
  // Holds the password instead; read at every connection, so that a rotation needs no restart.
  std::string password_file;
  int database = 0;

  std::chrono::milliseconds connect_timeout{5000};
  // Of a command for which the caller names none; counts from the call, waiting included.
  std::chrono::milliseconds command_timeout{5000};
  // Pauses between attempts to connect double from the first to the last.
  std::chrono::milliseconds first_backoff{20};
  std::chrono::milliseconds last_backoff{1000};
  // A larger reply ends the connection: memory stays bounded.
  size_t max_reply_bytes = 64 << 20;
  // Encoded commands that wait for the connection or for their reply; beyond it calls fail at once
  // with QUEUE_FULL.
  size_t max_pending_bytes = 64 << 20;
};

// Reads redis://[user[:password]@]host[:port][/database] or rediss://… (TLS). A lone password is
// written redis://:password@host; a URL without one goes with a password file, which must be
// readable. INVALID_CONFIGURATION names the part that is wrong and never repeats the credentials.
absl::StatusOr<RedisOptions> ParseRedisUrl(std::string_view url,
                                           const std::string& password_file = {});

// The URL without credentials, for logs and errors.
std::string DisplayName(const RedisOptions& options);

}  // namespace penstock
