#pragma once

#include <CLI/CLI.hpp>

#include "cli/session.h"
#include "cli/verbs.h"

namespace penstock::cli {

// The penstock command: all of its verbs and options.
class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // Does what the arguments say; returns the code to exit with.
  int Run(int argc, char** argv);
  const CLI::App& app() const { return app_; }

 private:
  CLI::App app_{"Sends rows of a warehouse to the tools that need them.", "penstock"};
  Session session_;
  Verbs verbs_{app_, session_};
};

}  // namespace penstock::cli
