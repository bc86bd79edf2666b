#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace penstock::cli {

// How one planner is reached, as $XDG_CONFIG_HOME/penstock/config.yaml (or ~/.config/…) says.
struct Context {
  std::string server;
  std::string tls_ca;
  std::string token_file;
};

// The context of that name; without one the file's `current` one, or an empty context where there
// is none. Files that a context names are found from the folder of that file.
// INVALID_CONFIGURATION says what is wrong with it, by file and line.
absl::StatusOr<Context> LoadContext(const std::string& name);

}  // namespace penstock::cli
