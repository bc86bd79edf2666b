#pragma once

#include "tests/scenarios/world.h"

namespace penstock::scenario {

// The step `penstock`: runs the command line against the cluster's planner.
//   {run: arguments, exits: code, says: text}   stdout or stderr has the text
// ${dir} among the arguments is a folder with `files: {name: text}`; `says` may be several texts.
//   interrupt: text                             Ctrl-C as soon as it has said so
void CommandLine(World& world, const YAML::Node& node);

}  // namespace penstock::scenario
