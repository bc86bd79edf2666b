#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "services/extractor/domain/mapping/mapper.h"

namespace penstock {

// The mapping by which a snapshot's rows were delivered before the Sync's mapping changed. It reads
// the same rows as the new one, from a read that selects the columns of both. One thread.
class OlderRecipe {
 public:
  // `older` was compiled against the same columns as the read's program. Appends to `select` what
  // it reads beyond that. `seed` is the snapshot's.
  OlderRecipe(Program older, std::vector<SelectColumn>& select, uint64_t seed);

  uint64_t recipe() const { return program_.recipe; }
  // What Mapper::RowHash of that program gave for the row.
  uint64_t RowHash(const RawRow& row);

 private:
  const Program program_;
  Mapper mapper_;
  std::vector<size_t> columns_;  // of the read, in the order of the program's
  std::string bytes_;
  std::vector<RawField> fields_;
};

}  // namespace penstock
