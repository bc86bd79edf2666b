#pragma once

namespace penstock::loader {

// Runs the loader until SIGTERM or SIGINT. Returns the exit code: 0 after a drain, 1 when it could
// not start, 2 for a refused configuration.
int RunLoader(int argc, char** argv);

}  // namespace penstock::loader
