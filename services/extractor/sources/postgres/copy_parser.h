#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/extractor/domain/raw_row.h"

namespace penstock {

// Takes a binary COPY stream (PostgreSQL's documentation, "COPY", "Binary Format") apart into
// blocks of rows that point into the pieces it was given.
class CopyParser {
 public:
  explicit CopyParser(size_t columns) : columns_(columns) {}

  // Adds the whole rows of a piece to the block; a row that is cut at its end is finished by the
  // next piece. The piece must stay where it is until Clear(). SOURCE_QUERY_FAILED when it is not
  // a binary COPY of that many columns.
  absl::Status Add(std::string_view piece);
  size_t rows() const { return rows_.size(); }
  // The rows since the last Clear(), valid until the next Add() or Clear().
  std::span<const RawRow> Block();
  void Clear();
  // The stream's trailer was read.
  bool complete() const { return complete_; }

 private:
  struct Row {
    std::string_view bytes;
    size_t first_field;
  };
  // Takes one row from the front; false when it is cut short.
  absl::StatusOr<bool> TakeRow(std::string_view& piece);

  const size_t columns_;
  bool header_read_ = false, complete_ = false;
  std::string cut_;                 // the beginning of a row that the next piece finishes
  std::deque<std::string> joined_;  // pieces that began with such a row; they stay in place
  std::vector<Row> rows_;
  std::vector<RawField> fields_;
  std::vector<RawRow> block_;
};

}  // namespace penstock
