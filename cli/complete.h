#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/command_tree.h"

namespace penstock::cli {

// Names of resources of a kind ("Sync"), as far as somebody knows them.
using NamesOf = std::function<std::vector<std::string>(const std::string& kind)>;

// What the last of `words` (which follow the program's name) may become. Nothing where a file is
// meant: the shell knows those.
std::vector<std::string> Complete(const CommandInfo& root, const std::vector<std::string>& words,
                                  const NamesOf& names_of);

}  // namespace penstock::cli
