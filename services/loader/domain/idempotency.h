#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "services/common/core/hash.h"
#include "services/common/model/batch.h"
#include "services/common/model/operation.h"

namespace penstock::loader {

// Keys by which a destination recognises a request that it has seen (docs/formats.md, "Idempotency
// key"): the same for every attempt to send one row of one key, also by a later run, as long as the
// entry is in doubt.
std::string IdempotencyKey(std::string_view sync, uint64_t epoch, Operation operation,
                           const Intent& intent);

// The key of a request, from its records' keys; of one record: that key.
std::string RequestIdempotencyKey(std::span<const std::string> keys);

}  // namespace penstock::loader
