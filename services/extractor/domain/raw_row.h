#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace penstock {

// One field of a binary COPY row, as it came. Points into the row.
struct RawField {
  const char* data = nullptr;
  int32_t size = -1;  // -1: NULL
  bool null() const { return size < 0; }
  std::string_view bytes() const {
    return null() ? std::string_view() : std::string_view(data, static_cast<size_t>(size));
  }
};

// One row of a binary COPY: its fields, and the bytes that hold them one after the other, each a
// big-endian i32 length (-1: NULL) and the value.
struct RawRow {
  std::string_view bytes;
  std::span<const RawField> fields;
};

// A row that outlives the block in which it came.
class KeptRow {
 public:
  explicit KeptRow(const RawRow& row)
      : bytes_(row.bytes), fields_(row.fields.begin(), row.fields.end()) {
    for (RawField& field : fields_) field.data = bytes_.data() + (field.data - row.bytes.data());
  }
  KeptRow(const KeptRow&) = delete;
  KeptRow& operator=(const KeptRow&) = delete;

  RawRow row() const { return {bytes_, fields_}; }

 private:
  std::string bytes_;
  std::vector<RawField> fields_;
};

}  // namespace penstock
