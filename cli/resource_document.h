#pragma once

#include "services/common/config/resource_yaml.h"
#include "services/common/model/resources.h"

namespace penstock::cli {

// The resource as a user would write it, with what differs from the defaults: reading it gives an
// equal resource.
YamlValue ToDocument(const Resource& resource);

}  // namespace penstock::cli
