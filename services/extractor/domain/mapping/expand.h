#pragma once

#include <vector>

#include "services/extractor/domain/mapping/program.h"

namespace penstock {

// The Sync's mapping with a field for each column that a `columns: all` stands for, in the model's
// order: all columns but those of `except` and those for which a field of the same path is mapped
// by itself. A name of `except` that is no column, and an encoding without nested objects, are
// errors.
std::vector<FieldMapping> ExpandAllColumns(const CompileInput& input,
                                           std::vector<CompileError>& errors);

}  // namespace penstock
