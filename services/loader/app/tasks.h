#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "services/loader/app/signal.h"

namespace penstock::loader {

// The coroutines that nobody awaits, counted, so that a process ends after the last of them.
// Thread-confined.
class Tasks {
 public:
  explicit Tasks(const asio::any_io_executor& executor) : executor_(executor), ended_(executor) {}

  // An exception that leaves it is logged.
  void Spawn(asio::awaitable<void> task);
  asio::awaitable<void> AllEnded();
  const asio::any_io_executor& executor() const { return executor_; }

 private:
  asio::any_io_executor executor_;
  Signal ended_;
  size_t running_ = 0;
};

}  // namespace penstock::loader
