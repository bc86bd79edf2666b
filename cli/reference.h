#pragma once

#include <string>

#include "cli/command_tree.h"

namespace penstock::cli {

// The verbs and options for docs/cli.md.
std::string MarkdownReference(const CommandInfo& root);

// penstock(1), in mdoc. `date`: "November 21, 2026".
std::string ManualPage(const CommandInfo& root, const std::string& date);

}  // namespace penstock::cli
