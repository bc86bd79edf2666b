#pragma once

#include <span>

#include "services/common/config/resource_reader.h"
#include "services/common/model/resources.h"

namespace penstock {

// Holds what was declared against the rules of model/validate.h, beside `others` that are there
// already (built-in connectors, stored resources), and adds what is wrong to `declared.errors`,
// in the order of files and lines. Says nothing more of a field that could not be read.
void CheckDeclared(DeclaredResources& declared, std::span<const Resource> others);

}  // namespace penstock
