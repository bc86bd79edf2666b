#pragma once

#include <vector>

#include "services/common/model/resources.h"

namespace penstock {

// The modes in which a Sync may write to the object, by its operations.
std::vector<Mode> ModesOf(const ObjectSpec& object);

}  // namespace penstock
