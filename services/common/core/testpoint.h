#pragma once

namespace penstock {

// A named place at which the test harness may kill or stop the process:
// PENSTOCK_TESTPOINT=<name>[:<n>[:stop]] in the environment makes the n-th pass (default: the
// first) through that point send SIGKILL (or SIGSTOP) to the process itself. Compiled out of
// release images (CMake option PENSTOCK_TESTPOINTS).
void PassTestPoint(const char* name);

}  // namespace penstock

#ifdef PENSTOCK_TESTPOINTS
#define PENSTOCK_TESTPOINT(name) ::penstock::PassTestPoint(name)
#else
#define PENSTOCK_TESTPOINT(name) static_cast<void>(name)
#endif
