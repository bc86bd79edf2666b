#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "services/extractor/domain/mapping/program.h"

namespace penstock {

// Which columns are read as what, and what is made of them: row hashes compare only under one
// recipe (docs/formats.md, "Hashes").
// A secret that a function uses is in it by a digest, so that rows are sent again when it changes.
// `mapping` is that of the program's fields.
uint64_t RecipeFingerprint(const CompileInput& input, std::span<const FieldMapping> mapping,
                           const Program& program);
// What keys are made of: another one means other keys for the same records.
uint64_t IdentityFingerprint(Mode mode, std::span<const FieldMapping> mapping,
                             const Program& program);

}  // namespace penstock
