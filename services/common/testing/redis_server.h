#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/redis/redis_reply.h"
#include "services/common/testing/child_process.h"
#include "services/common/testing/temp_dir.h"

namespace penstock::testing {

// A private Redis without persistence, on a free loopback port. Throws std::runtime_error when it
// can't be started. Not thread-safe.
class RedisServer {
 public:
  struct Options {
    std::vector<std::string> settings{};  // command-line words: {"--maxmemory", "10mb"}
  };
  RedisServer();
  explicit RedisServer(Options options);
  ~RedisServer();

  uint16_t port() const { return port_; }
  // redis://127.0.0.1:port; `port` puts a gate in between.
  std::string Url(std::optional<uint16_t> port = std::nullopt) const;

  // One command over a connection of its own.
  RedisReply Command(std::initializer_list<std::string_view> words);
  void Flush();

  // Returns when it answers.
  void Start();
  // Ends it; all content is lost.
  void Stop();
  // SIGKILL; the same loss.
  void Kill();
  bool Running();

  // Keeps the content of this moment, under a name ...
  void SaveDump(std::string_view name);
  // ... and restarts with that content: an old state comes back.
  void RestoreDump(std::string_view name);

 private:
  Options options_;
  TempDir dir_{"redis"};
  uint16_t port_;
  std::unique_ptr<ChildProcess> server_;
};

}  // namespace penstock::testing
