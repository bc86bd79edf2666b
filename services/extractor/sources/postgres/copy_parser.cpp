#include "services/extractor/sources/postgres/copy_parser.h"

#include "services/common/core/status.h"
#include "services/extractor/domain/mapping/big_endian.h"

namespace penstock {
namespace {

constexpr std::string_view kSignature("PGCOPY\n\377\r\n\0", 11);
constexpr size_t kHeaderSize = 11 + 4 + 4;  // signature, flags, length of the extension

absl::Status Malformed(const std::string& why) {
  return Error(ErrorCode::kSOURCE_QUERY_FAILED, "the warehouse's COPY is not as expected: " + why);
}

}  // namespace

absl::StatusOr<bool> CopyParser::TakeRow(std::string_view& piece) {
  std::string_view rest = piece;
  if (rest.size() < sizeof(int16_t)) return false;
  int16_t columns = LoadBig<int16_t>(rest.data());
  rest.remove_prefix(sizeof(int16_t));
  if (columns == -1) {
    complete_ = true;
    piece = rest;
    return true;
  }
  if (columns != static_cast<int16_t>(columns_))
    return Malformed("a row has " + std::to_string(columns) + " columns instead of " +
                     std::to_string(columns_));
  const size_t first_field = fields_.size();
  const char* begin = rest.data();
  for (size_t i = 0; i < columns_; ++i) {
    int32_t size = -1;
    bool cut = rest.size() < sizeof size;
    if (!cut) {
      size = LoadBig<int32_t>(rest.data());
      rest.remove_prefix(sizeof size);
      cut = size > 0 && rest.size() < static_cast<size_t>(size);
    }
    if (cut) {
      fields_.resize(first_field);
      return false;
    }
    // A NULL has a place too: where its bytes would be.
    fields_.push_back({rest.data(), size});
    if (size > 0) rest.remove_prefix(static_cast<size_t>(size));
  }
  rows_.push_back({{begin, static_cast<size_t>(rest.data() - begin)}, first_field});
  piece = rest;
  return true;
}

absl::Status CopyParser::Add(std::string_view piece) {
  if (!cut_.empty()) {
    joined_.push_back(std::move(cut_));
    cut_.clear();
    joined_.back() += piece;
    piece = joined_.back();
  }
  if (!header_read_) {
    if (piece.size() < kHeaderSize) {
      cut_ = piece;
      return absl::OkStatus();
    }
    if (!piece.starts_with(kSignature)) return Malformed("it does not begin with PGCOPY");
    size_t extension = LoadBig<uint32_t>(piece.data() + kHeaderSize - sizeof(uint32_t));
    if (extension != 0) return Malformed("its header has an extension");
    piece.remove_prefix(kHeaderSize);
    header_read_ = true;
  }
  while (!piece.empty() && !complete_) {
    PENSTOCK_ASSIGN_OR_RETURN(bool taken, TakeRow(piece));
    if (!taken) {
      cut_ = piece;
      break;
    }
  }
  return absl::OkStatus();
}

std::span<const RawRow> CopyParser::Block() {
  block_.clear();
  for (const Row& row : rows_)
    block_.push_back({row.bytes, std::span(fields_).subspan(row.first_field, columns_)});
  return block_;
}

void CopyParser::Clear() {
  rows_.clear();
  fields_.clear();
  joined_.clear();
}

}  // namespace penstock
