#pragma once

#include <vector>

#include "services/common/config/resource_reader.h"
#include "services/common/model/resources.h"

namespace penstock {

// The connectors that ship with Penstock, in the order of their names; "http" among them, whose
// objects each Destination brings itself. Read once; thread-safe.
const std::vector<Resource>& BuiltinConnectors();

// What is wrong with the manifests that this was built with; a test holds it empty.
const std::vector<ResourceError>& BuiltinConnectorErrors();

}  // namespace penstock
