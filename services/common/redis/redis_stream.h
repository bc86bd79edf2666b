#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/redis/redis_options.h"

namespace penstock {

namespace asio = boost::asio;

// A connected byte stream to Redis, plain or TLS. All calls from one strand; one Read and one Write
// may be in progress together.
class RedisStream {
 public:
  virtual ~RedisStream() = default;
  // At least one byte; QUEUE_UNAVAILABLE at the end or on a failure.
  virtual asio::awaitable<absl::StatusOr<size_t>> Read(std::span<char> into) = 0;
  // All of it. The buffers stay valid until then.
  virtual asio::awaitable<absl::Status> Write(const std::vector<asio::const_buffer>& buffers) = 0;
  // Ends reads and writes in progress.
  virtual void Close() = 0;
};

// Resolves, connects and, for TLS, shakes hands and verifies the certificate, within the options'
// connect_timeout. QUEUE_UNAVAILABLE says which step failed.
asio::awaitable<absl::StatusOr<std::shared_ptr<RedisStream>>> ConnectRedis(
    const RedisOptions& options);

}  // namespace penstock
