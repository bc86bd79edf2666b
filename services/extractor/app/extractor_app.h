#pragma once

namespace penstock::extractor {

// Runs the extractor until SIGTERM or SIGINT. Returns the exit code: 0 after a drain, 1 when it
// could not start, 2 for a refused configuration.
int RunExtractor(int argc, char** argv);

}  // namespace penstock::extractor
