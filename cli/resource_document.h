#pragma once

#include <cstdint>

#include "services/common/config/resource_yaml.h"
#include "services/common/model/resources.h"

namespace penstock::cli {

// Whether fields are written that have their default.
enum class Defaults : uint8_t { kLeftOut, kShown };

// The resource as a user would write it. Reading it gives an equal resource; with kShown one that
// means the same. What a connector or a service decides has no default here.
YamlValue ToDocument(const Resource& resource, Defaults defaults = Defaults::kLeftOut);

}  // namespace penstock::cli
