#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

#include "services/common/core/clock.h"

namespace penstock::loader {

namespace asio = boost::asio;

// Wakes coroutines of one executor that wait for a condition: they look at it again. Nothing is
// remembered, so the condition is looked at before each wait. Thread-confined.
class Signal {
 public:
  explicit Signal(const asio::any_io_executor& executor)
      : timer_(executor, asio::steady_timer::time_point::max()) {}

  // Any number may wait.
  asio::awaitable<void> Wait() {
    boost::system::error_code ignored;
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  // Waits at most so long. REQUIRES: nobody else waits.
  asio::awaitable<void> WaitFor(Duration longest) {
    timer_.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(longest));
    co_await Wait();
    timer_.expires_at(asio::steady_timer::time_point::max());
  }
  void Notify() { timer_.cancel(); }

 private:
  asio::steady_timer timer_;
};

}  // namespace penstock::loader
