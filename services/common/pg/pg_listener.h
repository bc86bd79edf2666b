#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace penstock {

// Calls back for every NOTIFY on a channel, on a thread of its own, and once after each
// (re)connection with an empty payload, since notifications may have been missed before it.
class PgListener {
 public:
  using Callback = std::function<void(std::string_view payload)>;
  PgListener(std::string conninfo, std::string channel, Callback callback,
             std::string password_file = {});
  ~PgListener();
  PgListener(const PgListener&) = delete;
  PgListener& operator=(const PgListener&) = delete;

 private:
  void Loop();

  const std::string conninfo_;
  const std::string channel_;
  const Callback callback_;
  const std::string password_file_;
  std::atomic<bool> closing_ = false;
  int wake_read_ = -1, wake_write_ = -1;  // a pipe that ends the wait
  std::thread thread_;
};

}  // namespace penstock
