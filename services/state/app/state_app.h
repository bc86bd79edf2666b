#pragma once

namespace penstock::state {

// Runs the state service until SIGTERM or SIGINT. Returns the exit code: 0 after a drain, 1 when it
// could not start, 2 for a refused configuration.
int RunState(int argc, char** argv);

}  // namespace penstock::state
