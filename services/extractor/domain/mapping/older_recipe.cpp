#include "services/extractor/domain/mapping/older_recipe.h"

#include <algorithm>
#include <utility>

#include "services/extractor/domain/mapping/big_endian.h"

namespace penstock {

OlderRecipe::OlderRecipe(Program older, std::vector<SelectColumn>& select, uint64_t seed)
    : program_(std::move(older)), mapper_(program_, seed) {
  for (size_t i = 0; i < program_.hashed_columns; ++i) {
    const auto found = std::find(select.begin(), select.end(), program_.select[i]);
    columns_.push_back(static_cast<size_t>(found - select.begin()));
    if (found == select.end()) select.push_back(program_.select[i]);
  }
}

uint64_t OlderRecipe::RowHash(const RawRow& row) {
  bytes_.clear();
  for (const size_t column : columns_) {
    AppendBig(bytes_, row.fields[column].size);
    bytes_ += row.fields[column].bytes();
  }
  // Only now does the text stay where it is.
  fields_.clear();
  const char* at = bytes_.data();
  for (const size_t column : columns_) {
    at += sizeof(int32_t);
    fields_.push_back({at, row.fields[column].size});
    at += row.fields[column].bytes().size();
  }
  return mapper_.RowHash({bytes_, fields_});
}

}  // namespace penstock
