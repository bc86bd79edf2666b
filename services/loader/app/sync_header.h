#pragma once

#include <vector>

#include "services/common/model/batch.h"
#include "services/common/model/resources.h"

namespace penstock::loader {

// The operations that a Sync's runs may ask for.
std::vector<Operation> OperationsOf(const Sync& sync);

// The layout of the batches that extractors will make of a Sync, without what only a read knows
// (ids, types): enough to compile serializers.
BatchHeader HeaderOf(const Sync& sync, const Connector& connector, Operation operation);

}  // namespace penstock::loader
