#pragma once

#include <cstdint>

namespace penstock::testing {

// A loopback TCP port that nobody listens on. It stays reserved for this process among all test
// processes of the machine, and lies outside the kernel's range for outgoing connections, so a
// server may be stopped and started on it. Thread-safe.
uint16_t FreePort();

}  // namespace penstock::testing
