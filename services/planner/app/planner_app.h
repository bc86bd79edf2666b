#pragma once

namespace penstock::planner {

// Runs the planner until SIGTERM or SIGINT. Returns the exit code: 0 after a drain, 1 when it could
// not start, 2 for a refused configuration.
int RunPlanner(int argc, char** argv);

}  // namespace penstock::planner
