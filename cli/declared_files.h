#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/session.h"
#include "services/common/config/resource_reader.h"

// Files of resources on their way to the server, as apply, diff and validate name them.
namespace penstock::cli {

struct DeclaredFiles {
  std::vector<std::string> paths;
  std::vector<std::string> labels;  // label=value
  std::string reset;
  bool prune = false;
};

void AddPaths(CLI::App* verb, DeclaredFiles& files);
// --prune, -l and --reset.
void AddChangeOptions(CLI::App* verb, DeclaredFiles& files);

v1::ApplyResourcesRequest RequestOf(const DeclaredFiles& files, const DeclaredResources& declared);

}  // namespace penstock::cli
