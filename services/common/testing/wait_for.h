#pragma once

#include <chrono>
#include <functional>

namespace penstock::testing {

// Calls `condition` every few milliseconds until it is true; false when `timeout` passed first.
//   ASSERT_TRUE(WaitFor([&] { return log.Contains("drained"); }));
[[nodiscard]] bool WaitFor(const std::function<bool()>& condition,
                           std::chrono::milliseconds timeout = std::chrono::seconds(20));

}  // namespace penstock::testing
