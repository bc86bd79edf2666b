#include "services/loader/app/tasks.h"

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

#include "services/common/obs/log.h"

namespace penstock::loader {

void Tasks::Spawn(asio::awaitable<void> task) {
  ++running_;
  asio::co_spawn(executor_, std::move(task), [this](const std::exception_ptr& thrown) {
    if (thrown) {
      try {
        std::rethrow_exception(thrown);
      } catch (const std::exception& e) {
        LogError("task_failed", e.what());
      }
    }
    if (--running_ == 0) ended_.Notify();
  });
}

asio::awaitable<void> Tasks::AllEnded() {
  while (running_ > 0) co_await ended_.Wait();
}

}  // namespace penstock::loader
