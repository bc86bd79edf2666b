#pragma once

#include <string>
#include <string_view>

#include "services/common/model/batch.h"
#include "services/common/model/resources.h"

namespace penstock::loader {

// An identity value in the form by which a destination's answers are compared with it.
std::string NormalIdentity(std::string text, Normalisation normalise);

// The same of a record's field: a text's characters, another scalar's digits.
std::string IdentityText(const Batch& batch, uint32_t record, uint16_t field,
                         Normalisation normalise);

}  // namespace penstock::loader
