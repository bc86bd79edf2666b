#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "services/extractor/domain/mapping/program.h"

namespace penstock {

// Which columns are read as what, and what is made of them: row hashes compare only under one
// recipe (docs/formats.md, "Hashes").
uint64_t RecipeFingerprint(const CompileInput& input, std::span<const SelectColumn> hashed);
// What keys are made of: another one means other keys for the same records.
uint64_t IdentityFingerprint(const CompileInput& input, const Program& program);

}  // namespace penstock
